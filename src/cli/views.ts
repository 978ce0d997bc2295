import type { LiveOperationId, OperationOutput, OperationPart } from '../client/client.ts';
import type { OperationId } from '../client/operations.ts';
import { renderCase } from './render-case.ts';
import { renderDiagnosis } from './render-diagnosis.ts';
import { renderExplanation } from './render-explanation.ts';
import { renderSelfTestEnd, renderSelfTestStep } from './render-self-test.ts';
import { renderAdoption, renderExposure, renderKeyLimits, renderVerification } from './render-use.ts';
import type { Style } from './style.ts';

/** What is shown of an answer; a failure is a sentence that ends the command with an exit code. */
export interface Shown {
  readonly text: string;
  readonly failure?: string;
}

type View = (answer: unknown, style: Style) => Shown;

/** Answers that are shown in a form of their own. */
export const VIEWS: Partial<Readonly<Record<OperationId, View>>> = {
  'cases.open': view<'cases.open'>(renderCase),
  'cases.get': view<'cases.get'>(renderCase),
  'cases.verify-owner': view<'cases.verify-owner'>(renderCase),
  'cases.update-owner': view<'cases.update-owner'>(renderCase),
  'cases.reissue': view<'cases.reissue'>(renderCase),
  'cases.test': view<'cases.test'>(renderCase),
  'cases.close': view<'cases.close'>(renderCase),
  'diagnose.run': view<'diagnose.run'>(renderDiagnosis),
  'explain.read': view<'explain.read'>(renderExplanation),
  'keys.adoption': view<'keys.adoption'>(renderAdoption),
  'keys.exposure': view<'keys.exposure'>(renderExposure),
  'keys.limits': view<'keys.limits'>(renderKeyLimits),
  'keys.verify': view<'keys.verify'>(renderVerification),
};

interface LiveView {
  readonly part: (part: unknown, style: Style) => string;
  /** What comes after the parts. */
  readonly end: View;
}

/** Answers that are shown part by part, as each comes. */
export const LIVE_VIEWS: Readonly<Record<LiveOperationId, LiveView>> = {
  'keys.test': live<'keys.test'>(renderSelfTestStep, renderSelfTestEnd),
};

function live<Id extends LiveOperationId>(
  part: (part: OperationPart<Id>, style: Style) => string,
  end: (answer: OperationOutput<Id>, style: Style) => Shown,
): LiveView {
  // As below.
  return { part: (told, style) => part(told as OperationPart<Id>, style), end: view<Id>(end) };
}

/** The server parses every answer by the endpoint's own schema before it sends it. */
function view<Id extends OperationId>(render: (answer: OperationOutput<Id>, style: Style) => string | Shown): View {
  return (answer, style) => {
    const shown = render(answer as OperationOutput<Id>, style);
    return typeof shown === 'string' ? { text: shown } : shown;
  };
}
