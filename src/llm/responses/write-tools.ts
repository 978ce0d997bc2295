/** Tools and the choice among them, as OpenAI takes them (and as an answer repeats them). */
import type { ChatRequest, CustomTool, FunctionTool, Tool, ToolChoice } from '../canonical.ts';
import { reportCacheMark } from '../cache-mark.ts';
import { ownExtra } from '../own-extra.ts';
import { strictMember } from '../openai/strict-schema.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

export function writeTools(request: ChatRequest, report: Report): readonly JsonRecord[] {
  const isOwn = request.extraOf === 'openai-responses';
  return request.tools.flatMap((tool, index) => {
    if (tool.kind === 'opaque') return writeOpaque(tool, index, report);
    const owner = { extraOf: request.extraOf, dialect: 'openai-responses', report } as const;
    const extra = ownExtra(tool.extra, `tools[${index}]`, owner);
    if (tool.kind === 'custom') return [{ ...extra, ...writeCustom(tool) }];
    reportCacheMark(tool, report);
    // The other endpoint of OpenAI asks the same of a strict schema.
    const isOpenai = isOwn || request.extraOf === 'openai';
    const strict = strictMember(tool.strict, tool.parameters ?? {}, isOpenai, `tools[${index}].strict`, report);
    return [{ ...extra, ...writeFunction(tool, isOwn), ...strict }];
  });
}

function writeFunction({ name, description, parameters }: FunctionTool, isOwn: boolean): JsonRecord {
  return {
    type: 'function',
    name,
    ...(description !== null && { description }),
    parameters: parameters ?? (isOwn ? null : { type: 'object', properties: {} }),
    // Without a word OpenAI takes a schema of this endpoint for strict, and changes it.
    ...(!isOwn && { strict: false }),
  };
}

function writeCustom({ name, description }: CustomTool): JsonRecord {
  return { type: 'custom', name, ...(description !== null && { description }) };
}

function writeOpaque(tool: Tool & { kind: 'opaque' }, index: number, report: Report): readonly JsonRecord[] {
  if (tool.of === 'openai-responses') return [tool.value];
  report.dropped(`tools[${index}]`, `OpenAI has no tool ${tool.label} of this form`);
  return [];
}

export function writeToolChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  switch (choice.kind) {
    case 'named':
      return { type: typeOf(choice.name, tools), name: choice.name };
    case 'allowed':
      return {
        type: 'allowed_tools',
        mode: choice.required ? 'required' : 'auto',
        tools: choice.names.map((name) => ({ type: typeOf(name, tools), name })),
      };
    default:
      return choice.kind;
  }
}

function typeOf(name: string, tools: readonly Tool[]): string {
  return tools.some((tool) => tool.kind === 'custom' && tool.name === name) ? 'custom' : 'function';
}
