/** `tools` and `toolConfig`. */
import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { speaksGemini } from './caller.ts';

/** `tools`: all functions in one, then what Google runs itself. */
export function writeTools(request: ChatRequest, report: Report): JsonRecord {
  const functions: JsonRecord[] = [];
  const others: JsonRecord[] = [];
  for (const [index, tool] of request.tools.entries()) {
    const field = `tools[${index}]`;
    if (tool.kind === 'function') functions.push(writeFunction(tool, field, request, report));
    else if (tool.kind === 'opaque' && tool.of === 'gemini') others.push(tool.value);
    else report.dropped(field, reasonFor(tool));
  }
  const tools = [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...others];
  return tools.length === 0 ? {} : { tools };
}

function reasonFor(tool: Exclude<Tool, FunctionTool>): string {
  return tool.kind === 'custom'
    ? 'the provider has no tools whose input is free text'
    : `"${tool.label}" is a tool of another provider`;
}

/** `parametersJsonSchema` takes JSON Schema as it is (https://ai.google.dev/api/caching#FunctionDeclaration). */
function writeFunction(tool: FunctionTool, field: string, request: ChatRequest, report: Report): JsonRecord {
  if (tool.cache !== undefined) report.dropped('cache_control', 'the provider caches on its own');
  if (tool.strict === true) report.dropped(`${field}.strict`, 'the provider has no strict mode for one tool');
  const isOwn = speaksGemini(request);
  if (!isOwn)
    for (const name of Object.keys(tool.extra ?? {})) report.dropped(`${field}.${name}`, 'unknown to the provider');
  return {
    ...(isOwn ? tool.extra : {}),
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    ...(tool.parameters === null ? {} : { parametersJsonSchema: tool.parameters }),
  };
}

/** `functionCallingConfig`. Google refuses one where there is no function. */
export function writeToolChoice(request: ChatRequest, report: Report): JsonRecord {
  const { toolChoice, tools } = request;
  if (toolChoice === null) return {};
  if (tools.some(({ kind }) => kind === 'function')) return choiceMembers(toolChoice);
  if (toolChoice.kind !== 'auto' && toolChoice.kind !== 'none')
    report.dropped('tool_choice', 'there is no function that it could mean');
  return {};
}

function choiceMembers(choice: ToolChoice): JsonRecord {
  switch (choice.kind) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'named':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
    case 'allowed':
      return { mode: choice.required ? 'ANY' : 'VALIDATED', allowedFunctionNames: choice.names };
  }
}
