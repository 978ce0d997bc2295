/** The tools of a request to Anthropic, and the choice among them. */
import { allowedTools } from '../allowed-tools.ts';
import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../canonical.ts';
import { functionOfCustom } from '../custom-tool.ts';
import { jsonTool } from '../json-tool.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { keepsAll } from './kept-schema.ts';
import { cacheMember, extraMembers } from './write-members.ts';

/** Members `tools` and `tool_choice`, absent where there are none. */
export interface ToolMembers {
  readonly members: JsonRecord;
  /** Whether the model has to call a tool. */
  readonly isForced: boolean;
}

export function writeTools(request: ChatRequest, traits: ModelTraits, report: Report): ToolMembers {
  const forJson = jsonTool(request, traits);
  const written = allowedTools(request, report).flatMap((tool) =>
    writeTool(tool, `tools[${request.tools.indexOf(tool)}]`, request, traits, report),
  );
  const tools =
    forJson === null ? written : [...written, writeFunction(forJson, 'response_format', request, traits, report)];
  if (tools.length === 0) {
    if (isForcing(request.toolChoice)) report.dropped('tool_choice', 'there is no tool to choose');
    return { members: {}, isForced: false };
  }
  const choice =
    forJson === null ? request.toolChoice : choiceWithJson(request.toolChoice, written.length, forJson.name);
  const choiceMember = writeChoice(choice, request.parallelToolCalls);
  return {
    members: { tools, ...(choiceMember === null ? {} : { tool_choice: choiceMember }) },
    isForced: isForcing(choice),
  };
}

function writeTool(
  tool: Tool,
  path: string,
  request: ChatRequest,
  traits: ModelTraits,
  report: Report,
): readonly JsonRecord[] {
  switch (tool.kind) {
    case 'function':
      return [writeFunction(tool, path, request, traits, report)];
    case 'custom':
      return [writeFunction(functionOfCustom(tool, path, report), path, request, traits, report)];
    case 'opaque':
      if (tool.of === 'anthropic') return [tool.value];
      report.dropped(path, `the provider has no tool ${tool.label} of another provider`);
      return [];
  }
}

function writeFunction(
  tool: FunctionTool,
  path: string,
  request: ChatRequest,
  traits: ModelTraits,
  report: Report,
): JsonRecord {
  // The schema must be of an object, and say so.
  const schema = { type: 'object', ...(tool.parameters ?? { properties: {} }) };
  return {
    ...extraMembers(tool.extra, path, request, report),
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    input_schema: schema,
    ...strictMember(tool, path, request, traits, report),
    ...cacheMember(tool.cache),
  };
}

/** Models that keep to no schema refuse the member; for a caller of another dialect `false` says nothing. */
function strictMember(
  { strict, parameters }: FunctionTool,
  path: string,
  { extraOf }: ChatRequest,
  { structuredOutput }: ModelTraits,
  report: Report,
): JsonRecord {
  if (strict === null || (!strict && extraOf !== 'anthropic')) return {};
  if (extraOf === 'anthropic' && structuredOutput !== false) return { strict };
  if (structuredOutput === true && keepsAll(parameters ?? {})) return { strict };
  if (strict) report.dropped(`${path}.strict`, 'it is not known that the model can keep strictly to this schema');
  return {};
}

/** The caller's other tools may be called first, unless the caller wants none of them called. */
function choiceWithJson(choice: ToolChoice | null, others: number, name: string): ToolChoice {
  if (others === 0 || choice?.kind === 'none') return { kind: 'named', name };
  return choice?.kind === 'named' ? choice : { kind: 'required' };
}

function isForcing(choice: ToolChoice | null): boolean {
  if (choice === null) return false;
  return choice.kind === 'required' || choice.kind === 'named' || (choice.kind === 'allowed' && choice.required);
}

function writeChoice(choice: ToolChoice | null, parallel: boolean | null): JsonRecord | null {
  if (choice?.kind === 'none') return { type: 'none' };
  if (choice === null && parallel !== false) return null;
  const member = parallel === null ? {} : { disable_parallel_tool_use: !parallel };
  if (choice?.kind === 'named') return { type: 'tool', name: choice.name, ...member };
  return { type: isForcing(choice) ? 'any' : 'auto', ...member };
}
