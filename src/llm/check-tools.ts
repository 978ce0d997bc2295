/** Tools that the provider of the target's dialect would refuse. */
import type { ChatRequest, CustomTool, FunctionTool } from './canonical.ts';
import { wrongTypeIn } from './check-schema.ts';
import type { DialectName } from './dialect.ts';
import { RequestFault } from './faults.ts';
import type { JsonRecord } from './record.ts';

/** More than any model makes sense of. */
const TOOLS_MAX = 1024;
const NAME_SHOWN_MAX = 80;

interface NameRule {
  readonly pattern: RegExp;
  readonly words: string;
}

const PLAIN_64: NameRule = { pattern: /^[\w-]{1,64}$/, words: '1 to 64 letters, digits, _ and -' };
const PLAIN_128: NameRule = { pattern: /^[\w-]{1,128}$/, words: '1 to 128 letters, digits, _ and -' };

/** What names of functions each provider takes, as its reference says or its refusals do. */
const NAMES: Readonly<Record<DialectName, NameRule>> = {
  openai: PLAIN_64,
  'openai-responses': PLAIN_128,
  anthropic: PLAIN_128,
  // Of Vertex AI; the Gemini API took 64 characters before.
  gemini: {
    pattern: /^[A-Za-z_][\w.:-]{0,127}$/,
    words: '1 to 128 letters, digits, _, ., : and -, with a letter or _ first',
  },
  bedrock: PLAIN_64,
  mistral: PLAIN_64,
  // It takes none.
  replicate: PLAIN_64,
  // Nothing is published: what some provider takes.
  cohere: { pattern: /^[\w.:-]{1,128}$/, words: '1 to 128 letters, digits, _, ., : and -' },
};

export function checkTools(request: ChatRequest, target: DialectName): void {
  const { tools } = request;
  if (tools.length > TOOLS_MAX) throw new RequestFault('tools', `"tools" may hold at most ${TOOLS_MAX} tools.`);
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    if (tool.kind === 'opaque') continue;
    const { nameField, schemaField } = fieldsOf(request, tool, index);
    const shown = `the tool "${tool.name.slice(0, NAME_SHOWN_MAX)}"`;
    const { pattern, words } = NAMES[target];
    if (!pattern.test(tool.name))
      throw new RequestFault(nameField, `"${nameField}": ${shown} has a name that the provider refuses. Use ${words}.`);
    if (names.has(tool.name))
      throw new RequestFault(nameField, `"${nameField}": ${shown} is there twice. Give each tool its own name.`);
    names.add(tool.name);
    if (tool.kind === 'function' && tool.parameters !== null) checkSchema(tool.parameters, schemaField, shown);
  }
  checkChoice(request, names, target);
}

function checkSchema(schema: JsonRecord, field: string, shown: string): void {
  const { type = 'object' } = schema;
  if (type !== 'object')
    throw new RequestFault(field, `"${field}" must be the schema of an object (of ${shown}): its type must be object.`);
  const wrong = wrongTypeIn(schema);
  if (wrong !== null) throw new RequestFault(field, `"${field}": of ${shown}, ${wrong}`);
}

/** Tools of a provider's own have names that no list tells. */
function checkChoice(request: ChatRequest, names: ReadonlySet<string>, target: DialectName): void {
  const { toolChoice, tools, extraOf } = request;
  if (toolChoice === null || extraOf === target || tools.some(({ kind }) => kind === 'opaque')) return;
  const chosen =
    toolChoice.kind === 'named' ? [toolChoice.name] : toolChoice.kind === 'allowed' ? toolChoice.names : [];
  const missing = chosen.find((name) => !names.has(name));
  if (missing === undefined) return;
  const field = choiceField(request);
  const shown = missing.slice(0, NAME_SHOWN_MAX);
  throw new RequestFault(field, `"${field}" names the tool "${shown}", which "tools" does not hold.`);
}

function choiceField({ extraOf, legacyFunctions }: ChatRequest): string {
  if (extraOf === 'gemini') return 'toolConfig.functionCallingConfig.allowedFunctionNames';
  return legacyFunctions === true ? 'function_call' : 'tool_choice';
}

interface ToolFields {
  readonly nameField: string;
  readonly schemaField: string;
}

/** Gemini's functions lie within tools: there, only the list is known. */
function fieldsOf(
  { extraOf, legacyFunctions }: ChatRequest,
  { kind }: FunctionTool | CustomTool,
  index: number,
): ToolFields {
  if (extraOf === 'gemini') return { nameField: 'tools', schemaField: 'tools' };
  if (extraOf === 'anthropic') return fieldsAt(`tools[${index}]`, 'input_schema');
  if (extraOf !== 'openai') return fieldsAt(`tools[${index}]`, 'parameters');
  return fieldsAt(legacyFunctions === true ? `functions[${index}]` : `tools[${index}].${kind}`, 'parameters');
}

function fieldsAt(path: string, schema: string): ToolFields {
  return { nameField: `${path}.name`, schemaField: `${path}.${schema}` };
}
