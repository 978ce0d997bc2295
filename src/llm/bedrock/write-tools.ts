/** `toolConfig` of Converse (API_runtime_ToolConfiguration). */
import { allowedTools } from '../allowed-tools.ts';
import { keepsAll } from '../anthropic/kept-schema.ts';
import type { ChatRequest, FunctionTool, ToolChoice } from '../canonical.ts';
import { toolNames } from '../canonical.ts';
import { functionOfCustom } from '../custom-tool.ts';
import { JSON_TOOL, jsonTool } from '../json-tool.ts';
import type { ModelTraits } from '../model-traits.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { cachePointBlock } from './write-messages.ts';

export interface ToolConfig {
  /** Null where the request needs none. */
  readonly config: JsonRecord | null;
  /** The model must call a tool: it cannot reason before (Claude). */
  readonly isForced: boolean;
}

/** `caches` tells whether the model takes cache points. */
export function writeToolConfig(
  request: ChatRequest,
  traits: ModelTraits,
  caches: boolean,
  report: Report,
): ToolConfig {
  const choice = request.toolChoice ?? { kind: 'auto' };
  const offered = offeredTools(request, choice, report);
  const answerTool = jsonToolOf(request, traits);
  const context = { request, traits, caches, report };
  const tools = [...offered.flatMap((tool) => toolEntries(tool, context)), ...answerTool];
  if (tools.length === 0) tools.push(...historyTools(request));
  if (tools.length === 0) return { config: null, isForced: false };
  const toolChoice = answerTool.length > 0 ? jsonChoice(choice, offered) : writeChoice(choice, offered, report);
  return {
    config: { tools, ...(toolChoice === null ? {} : { toolChoice }) },
    isForced: toolChoice !== null,
  };
}

interface Offered {
  readonly tool: FunctionTool;
  readonly field: string;
}

/** The functions that the caller lets the model call; a tool of another kind is told to be missing. */
function offeredTools(request: ChatRequest, choice: ToolChoice, report: Report): readonly Offered[] {
  const functions = allowedTools(request, report).flatMap((tool) => {
    const field = `tools[${request.tools.indexOf(tool)}]`;
    if (tool.kind === 'function') return [{ tool, field }];
    if (tool.kind === 'custom') return [{ tool: functionOfCustom(tool, field, report), field }];
    report.dropped(field, `Amazon Bedrock has only function tools, not ${tool.label}`);
    return [];
  });
  // Bedrock has no `none`: only without tools nothing is called. A history of calls needs them declared.
  return choice.kind === 'none' && !hasToolHistory(request) ? [] : functions;
}

function hasToolHistory({ turns }: ChatRequest): boolean {
  return turns.some(({ parts }) => parts.some(({ kind }) => kind === 'tool_call' || kind === 'tool_result'));
}

interface Context {
  readonly request: ChatRequest;
  readonly traits: ModelTraits;
  readonly caches: boolean;
  readonly report: Report;
}

function toolEntries({ tool, field }: Offered, { request, traits, caches, report }: Context): readonly JsonRecord[] {
  const { name, description, parameters, strict, cache } = tool;
  const extra = ownExtra(tool.extra, field, { extraOf: request.extraOf, dialect: 'bedrock', report });
  const keepsStrict = strict === true && traits.structuredOutput === true && keepsAll(parameters ?? {});
  if (strict === true && !keepsStrict)
    report.dropped(`${field}.strict`, 'it is not known that the model keeps to this schema on Amazon Bedrock');
  if (cache !== undefined && !caches)
    report.dropped(`${field}.cache_control`, 'the model takes no cache points on Amazon Bedrock');
  const toolSpec = {
    ...extra,
    ...spec(name, description, parameters),
    ...(keepsStrict ? { strict } : {}),
  };
  return [{ toolSpec }, ...(cache !== undefined && caches ? [cachePointBlock(cache.ttl)] : [])];
}

/** A schema must say that it is of an object; a description must not be empty. */
function spec(name: string, description: string | null, schema: JsonRecord | null): JsonRecord {
  return {
    name,
    ...(description === null || description === '' ? {} : { description }),
    inputSchema: { json: { type: 'object', ...(schema ?? { properties: {} }) } },
  };
}

function jsonToolOf(request: ChatRequest, traits: ModelTraits): readonly JsonRecord[] {
  const tool = jsonTool(request, traits, 'bedrock');
  return tool === null ? [] : [{ toolSpec: spec(tool.name, tool.description, tool.parameters) }];
}

/** The tools that were called so far: blocks of calls without any toolConfig are refused. */
function historyTools(request: ChatRequest): readonly JsonRecord[] {
  if (!hasToolHistory(request)) return [];
  const names = new Set(toolNames(request.turns).values());
  for (const { parts } of request.turns)
    for (const part of parts) if (part.kind === 'tool_result' && part.name !== undefined) names.add(part.name);
  return [...(names.size === 0 ? ['unknown_tool'] : names)].map((name) => ({ toolSpec: spec(name, null, null) }));
}

/** The answer comes by the tool, unless the caller forces another first. */
function jsonChoice(choice: ToolChoice, offered: readonly Offered[]): JsonRecord {
  if (choice.kind === 'named') return { tool: { name: choice.name } };
  return choice.kind === 'none' || offered.length === 0 ? { tool: { name: JSON_TOOL } } : { any: {} };
}

/** `auto` is not written: it is the default, and not all models know the field. */
function writeChoice(choice: ToolChoice, offered: readonly Offered[], report: Report): JsonRecord | null {
  if (choice.kind === 'none') {
    if (offered.length > 0) report.dropped('tool_choice', 'Amazon Bedrock cannot be told to call no tool');
    return null;
  }
  // What stands there for the history only must not be forced.
  if (offered.length === 0 || choice.kind === 'auto') return null;
  if (choice.kind === 'named') return { tool: { name: choice.name } };
  if (choice.kind === 'allowed') return choice.required ? { any: {} } : null;
  return { any: {} };
}
