/** What a model cannot do is said before anybody pays for the attempt. */
import type { ChatRequest, Part } from './canonical.ts';
import type { TargetModel } from './codec.ts';
import type { ClientDialectName } from './dialect.ts';
import { RequestFault } from './faults.ts';

/** Where each dialect keeps what this file speaks of. */
const FIELDS: Readonly<Record<ClientDialectName, { readonly turns: string; readonly format: string }>> = {
  openai: { turns: 'messages', format: 'response_format' },
  'openai-responses': { turns: 'input', format: 'text.format' },
  anthropic: { turns: 'messages', format: 'output_config.format' },
  gemini: { turns: 'contents', format: 'generationConfig.responseSchema' },
};

/** Throws a RequestFault that names the field and the model where the model is known not to be able. */
export function requireAbilities(request: ChatRequest, target: TargetModel, client: ClientDialectName): void {
  const { traits, name } = target;
  const fields = FIELDS[client];
  const refuse = (field: string, what: string) => {
    throw new RequestFault(field, `"${field}": the model "${name}" ${what}. Leave it out, or choose another model.`);
  };
  if (traits.tools === false && request.tools.length > 0) refuse('tools', 'takes no tools');
  if (traits.structuredOutput === false && traits.tools === false && request.format?.kind === 'json_schema')
    refuse(fields.format, 'cannot keep to a JSON schema');
  const wanted = mediaKinds(request);
  if (traits.images === false && wanted.has('image')) refuse(fields.turns, 'takes no images');
  if (traits.audio === false && wanted.has('audio')) refuse(fields.turns, 'takes no audio');
  if (traits.files === false && wanted.has('file')) refuse(fields.turns, 'takes no files');
}

function mediaKinds({ turns }: ChatRequest): ReadonlySet<Part['kind']> {
  const kinds = new Set<Part['kind']>();
  for (const { parts } of turns) {
    for (const part of parts) {
      kinds.add(part.kind);
      if (part.kind === 'tool_result') for (const inner of part.parts) kinds.add(inner.kind);
    }
  }
  return kinds;
}
