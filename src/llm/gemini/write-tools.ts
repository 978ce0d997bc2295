/** `tools` and `toolConfig`. */
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, FunctionTool, ToolChoice } from '../canonical.ts';
import { functionOfCustom } from '../custom-tool.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** `tools`: all functions in one, then what Google runs itself. */
export function writeTools(request: ChatRequest, report: Report): JsonRecord {
  const functions: JsonRecord[] = [];
  const others: JsonRecord[] = [];
  for (const [index, tool] of request.tools.entries()) {
    const field = `tools[${index}]`;
    if (tool.kind === 'function') functions.push(writeFunction(tool, field, request, report));
    else if (tool.kind === 'custom')
      functions.push(writeFunction(functionOfCustom(tool, field, report), field, request, report));
    else if (tool.of === 'gemini') others.push(tool.value);
    else report.dropped(field, `"${tool.label}" is a tool of another provider`);
  }
  const tools = [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...others];
  return tools.length === 0 ? {} : { tools };
}

/** `parametersJsonSchema` takes JSON Schema as it is (https://ai.google.dev/api/caching#FunctionDeclaration). */
function writeFunction(tool: FunctionTool, field: string, request: ChatRequest, report: Report): JsonRecord {
  reportCacheMark(tool, report);
  if (tool.strict === true) report.dropped(`${field}.strict`, 'the provider has no strict mode for one tool');
  return {
    ...ownExtra(tool.extra, field, { extraOf: request.extraOf, dialect: 'gemini', report }),
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    ...(tool.parameters === null ? {} : { parametersJsonSchema: tool.parameters }),
  };
}

/** `functionCallingConfig`. Google refuses one where there is no function. */
export function writeToolChoice(request: ChatRequest, report: Report): JsonRecord {
  const { toolChoice, tools } = request;
  if (toolChoice === null) return {};
  if (tools.some(({ kind }) => kind !== 'opaque')) return choiceMembers(toolChoice);
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
