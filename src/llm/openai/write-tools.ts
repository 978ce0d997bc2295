/** Tools, and the choice among them, as a provider's request has them. */
import { allowedTools } from '../allowed-tools.ts';
import type { FunctionTool, Tool, ToolChoice } from '../canonical.ts';
import { functionOfCustom } from '../custom-tool.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Writing } from './chat-variant.ts';
import { strictMember } from './strict-schema.ts';

/** The members `tools`, `tool_choice` and `parallel_tool_calls`, as far as there are any. */
export function writeTools(writing: Writing): JsonRecord {
  const { request, report } = writing;
  const kept = writing.takesAllowedTools ? request.tools : allowedTools(request, report);
  const tools = kept.flatMap((tool) => {
    const at = request.tools.indexOf(tool);
    return writeTool(tool, writing, `tools[${at}]`);
  });
  if (tools.length > 0) {
    return {
      tools,
      ...writeChoice(writing),
      ...(request.parallelToolCalls !== null && { parallel_tool_calls: request.parallelToolCalls }),
    };
  }
  const { toolChoice } = request;
  // A choice without tools is refused.
  if (toolChoice !== null && toolChoice.kind !== 'auto' && toolChoice.kind !== 'none')
    report.dropped('tool_choice', 'no tool is left to choose');
  return {};
}

function writeTool(tool: Tool, writing: Writing, path: string): readonly JsonRecord[] {
  switch (tool.kind) {
    case 'function':
      return [writeFunction(tool, writing, path)];
    case 'custom': {
      if (!writing.takesCustomTools)
        return [writeFunction(functionOfCustom(tool, path, writing.report), writing, path)];
      const extra = writing.extras(tool.extra, path);
      const custom = { ...recordOf(extra['custom']), name: tool.name, ...described(tool.description) };
      return [{ ...extra, type: 'custom', custom }];
    }
    case 'opaque':
      if (tool.of === writing.variant.dialect) return [tool.value];
      writing.report.dropped(path, `the provider has no tool ${tool.label}`);
      return [];
  }
}

function writeFunction(tool: FunctionTool, writing: Writing, path: string): JsonRecord {
  const extra = writing.extras(tool.extra, path);
  return {
    ...extra,
    ...writing.cacheMark(tool),
    type: 'function',
    function: {
      ...recordOf(extra['function']),
      name: tool.name,
      ...described(tool.description),
      ...writeParameters(tool, writing),
      ...strictMember(tool.strict, tool.parameters ?? {}, writing.isOwnDialect, `${path}.strict`, writing.report),
    },
  };
}

/** OpenAI takes a function without parameters; Mistral does not. */
function writeParameters({ parameters }: FunctionTool, { variant }: Writing): JsonRecord {
  if (parameters !== null) return { parameters };
  return variant.dialect === 'mistral' ? { parameters: { type: 'object', properties: {} } } : {};
}

export function described(description: string | null): JsonRecord {
  return description === null ? {} : { description };
}

function writeChoice(writing: Writing): JsonRecord {
  const { toolChoice } = writing.request;
  if (toolChoice === null) return {};
  return { tool_choice: choiceValue(toolChoice, writing) };
}

function choiceValue(choice: ToolChoice, writing: Writing): unknown {
  const { variant } = writing;
  switch (choice.kind) {
    case 'auto':
    case 'none':
      return choice.kind;
    case 'required':
      return variant.requiredWord;
    case 'named':
      return namedTool(choice.name, writing);
    case 'allowed': {
      if (!writing.takesAllowedTools) return choice.required ? variant.requiredWord : 'auto';
      const tools = choice.names.map((name) => namedTool(name, writing));
      return { type: 'allowed_tools', allowed_tools: { mode: choice.required ? 'required' : 'auto', tools } };
    }
  }
}

function namedTool(name: string, { request, takesCustomTools }: Writing): JsonRecord {
  const isCustom = takesCustomTools && request.tools.some((tool) => tool.kind === 'custom' && tool.name === name);
  return isCustom ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } };
}
