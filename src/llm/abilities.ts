/** What a model cannot do is said before anybody pays for the attempt. */
import type { ChatRequest, Part } from './canonical.ts';
import type { TargetModel } from './codec.ts';
import type { ClientDialectName, DialectName } from './dialect.ts';
import { RequestFault } from './faults.ts';
import type { ModelTraits } from './model-traits.ts';

/** Words without which no dialect asks for the ability; each as it stands in the bytes of a request. */
const SIGNS = {
  tools: ['"tools"'],
  structuredOutput: ['"json_schema"', '"output_config"', '"responseSchema"', '"responseJsonSchema"'],
  images: ['image'],
  audio: ['audio'],
  files: ['file', '"document"', 'application/'],
} as const satisfies Partial<Record<keyof ModelTraits, readonly string[]>>;

const SIGN_BYTES = Object.entries(SIGNS).map(
  ([ability, words]) => [ability as keyof typeof SIGNS, words.map((word) => Buffer.from(word))] as const,
);

/** Where each dialect says that bytes of an image or a document follow. */
const MEDIA_SIGNS: Readonly<Record<ClientDialectName, Buffer>> = {
  openai: Buffer.from('base64'),
  'openai-responses': Buffer.from('base64'),
  anthropic: Buffer.from('base64'),
  gemini: Buffer.from('nline'), // inlineData and inline_data
};

/**
 * Whether a request, whose bytes pass as they are, may ask for what the model is known not to do or
 * hold media, which may not be what they are said to be: then it is worth reading. Native search only.
 */
export function isWorthReading(client: ClientDialectName, traits: ModelTraits, body: Buffer): boolean {
  return body.includes(MEDIA_SIGNS[client]) || mayExceed(traits, body);
}

function mayExceed(traits: ModelTraits, body: Buffer): boolean {
  return SIGN_BYTES.some(([ability, signs]) => traits[ability] === false && signs.some((sign) => body.includes(sign)));
}

interface Fields {
  readonly turns: string;
  readonly format: string;
}

/** Where each dialect of clients keeps what this file speaks of. */
const FIELDS: Readonly<Record<ClientDialectName, Fields> & Partial<Record<DialectName, Fields>>> = {
  openai: { turns: 'messages', format: 'response_format' },
  'openai-responses': { turns: 'input', format: 'text.format' },
  anthropic: { turns: 'messages', format: 'output_config.format' },
  gemini: { turns: 'contents', format: 'generationConfig.responseSchema' },
};

/**
 * Throws a RequestFault that names the field and the model where the model is known not to be able.
 * What is translated may ask for a schema in other ways; what passes as it is may not.
 */
export function requireAbilities(
  request: ChatRequest,
  { traits, name }: TargetModel,
  client: DialectName,
  passes = false,
): void {
  const fields = FIELDS[client] ?? FIELDS.openai;
  const refuse = (field: string, what: string) => {
    throw new RequestFault(field, `"${field}": the model "${name}" ${what}. Leave it out, or choose another model.`);
  };
  if (traits.tools === false && request.tools.length > 0) refuse('tools', 'takes no tools');
  const hasNoSchema = traits.structuredOutput === false && (passes || traits.tools === false);
  if (hasNoSchema && request.format?.kind === 'json_schema') refuse(fields.format, 'cannot keep to a JSON schema');
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
