import type { OperationOutput } from '../client/client.ts';
import type { OperationId } from '../client/operations.ts';
import { renderDiagnosis } from './render-diagnosis.ts';
import { renderExplanation } from './render-explanation.ts';
import type { Style } from './style.ts';

type View = (answer: unknown, style: Style) => string;

/** Answers that are shown in a form of their own. */
export const VIEWS: Partial<Readonly<Record<OperationId, View>>> = {
  'diagnose.run': view<'diagnose.run'>(renderDiagnosis),
  'explain.read': view<'explain.read'>(renderExplanation),
};

/** The server parses every answer by the endpoint's own schema before it sends it. */
function view<Id extends OperationId>(render: (answer: OperationOutput<Id>, style: Style) => string): View {
  return (answer, style) => render(answer as OperationOutput<Id>, style);
}
