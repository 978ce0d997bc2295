/** Requests to v2 chat (https://docs.cohere.com/reference/chat). */
import { allowedTools } from '../allowed-tools.ts';
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, FunctionTool, ReasoningRequest, ToolChoice } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { functionOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import { formatInstruction, speaksOfJson } from '../format-instruction.ts';
import type { ModelTraits } from '../model-traits.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeConversation } from './write-messages.ts';

export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const { messages, documents } = writeConversation(request, target, report);
  const extra = ownExtra(request.extra, '', { extraOf: request.extraOf, dialect: 'cohere', report });
  reportUnsaid(request, report);
  return {
    ...extra,
    model: target.name,
    messages: withFormatWords(messages, request, report),
    ...(request.stream ? { stream: true } : {}),
    ...(documents.length === 0 ? {} : { documents }),
    ...toolFields(request, report),
    ...formatFields(request, report),
    ...reasoningFields(request.reasoning, target.traits, report),
    ...parameters(request, target.traits, report),
  };
}

function toolFields(request: ChatRequest, report: Report): JsonRecord {
  const functions = allowedTools(request, report).flatMap((tool) => {
    const field = `tools[${request.tools.indexOf(tool)}]`;
    if (tool.kind === 'opaque') {
      report.dropped(field, `Cohere has only function tools, not ${tool.label}`);
      return [];
    }
    ownExtra(tool.extra, field, { extraOf: request.extraOf, dialect: 'cohere', report });
    if (tool.kind === 'custom') return [functionOfCustom(tool, field, report)];
    reportCacheMark(tool, report);
    return [tool];
  });
  const choice = request.toolChoice ?? { kind: 'auto' };
  const tools = choice.kind === 'named' ? functions.filter(({ name }) => name === choice.name) : functions;
  if (choice.kind === 'named' && tools.length === 0)
    throw new RequestFault('tool_choice', 'Choose one of the function tools that the request offers.');
  if (tools.length === 0) return {};
  if (choice.kind === 'named')
    report.approximated('tool_choice', 'Cohere can only be told to call some tool: it is offered only this one');
  const word = choiceWord(choice);
  return {
    tools: tools.map(toolObject),
    ...strictFields(tools, report),
    ...(word === null ? {} : { tool_choice: word }),
  };
}

/** Without a word the model is free. */
function choiceWord(choice: ToolChoice): string | null {
  if (choice.kind === 'none') return 'NONE';
  if (choice.kind === 'auto') return null;
  return choice.kind === 'allowed' && !choice.required ? null : 'REQUIRED';
}

function toolObject({ name, description, parameters }: FunctionTool): JsonRecord {
  return {
    type: 'function',
    function: {
      name,
      ...(description === null ? {} : { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}

/** Cohere is strict with all tools or none. */
function strictFields(tools: readonly FunctionTool[], report: Report): JsonRecord {
  const strict = tools.filter((tool) => tool.strict === true).length;
  if (strict === 0) return {};
  if (strict < tools.length) report.approximated('tools.strict', 'Cohere is strict with all tools, or with none');
  return { strict_tools: true };
}

function formatFields({ format }: ChatRequest, report: Report): JsonRecord {
  if (format === null || format.kind === 'text') return {};
  if (format.kind === 'json_schema' && format.description !== null)
    report.dropped('response_format.description', 'Cohere takes the schema only');
  const schema = format.kind === 'json_schema' ? { json_schema: format.schema } : {};
  return { response_format: { type: 'json_object', ...schema } };
}

/** Without words besides, the model may write white space without end (https://docs.cohere.com/docs/structured-outputs). */
function withFormatWords(
  messages: readonly JsonRecord[],
  { format, turns }: ChatRequest,
  report: Report,
): readonly JsonRecord[] {
  if (format?.kind !== 'json' || speaksOfJson(turns)) return messages;
  report.approximated('response_format', 'the format is asked for in the instructions, too');
  return [{ role: 'system', content: formatInstruction(format) }, ...messages];
}

/** https://docs.cohere.com/v2/docs/reasoning: on or off, with a bound. */
function reasoningFields(reasoning: ReasoningRequest | null, traits: ModelTraits, report: Report): JsonRecord {
  if (reasoning === null) return {};
  const { enabled, effort, budgetTokens, show } = reasoning;
  if (traits.reasoning === false) {
    if (enabled) report.dropped('reasoning', 'the model does not reason');
    return {};
  }
  if (!enabled && traits.reasoning === true) return { thinking: { type: 'disabled' } };
  if (!enabled) {
    // A model that does not reason refuses the field.
    report.dropped('reasoning', 'it is not known whether the model reasons');
    return {};
  }
  if (effort !== null) report.approximated('reasoning', 'Cohere has no efforts: the model reasons as much as it wants');
  if (show === false) report.dropped('reasoning.show', 'Cohere always shows the reasoning');
  return { thinking: { type: 'enabled', ...(budgetTokens === null ? {} : { token_budget: budgetTokens }) } };
}

function parameters(request: ChatRequest, { sampling }: ModelTraits, report: Report): JsonRecord {
  const { outputTokensMax, stop, seed, logprobs } = request;
  if (logprobs !== null && logprobs.top > 0)
    report.approximated('top_logprobs', 'Cohere tells log probabilities of the chosen tokens only');
  return {
    ...(outputTokensMax === null ? {} : { max_tokens: outputTokensMax }),
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(seed === null ? {} : { seed }),
    ...(logprobs === null ? {} : { logprobs: true }),
    ...penalties(request, report),
    ...samplingFields(request, sampling !== false, report),
  };
}

function penalties({ frequencyPenalty, presencePenalty }: ChatRequest, report: Report): JsonRecord {
  return {
    ...within('frequency_penalty', 'frequency_penalty', frequencyPenalty, [0, 1], report),
    ...within('presence_penalty', 'presence_penalty', presencePenalty, [0, 1], report),
  };
}

function samplingFields({ temperature, topP, topK }: ChatRequest, takesSampling: boolean, report: Report): JsonRecord {
  if (takesSampling)
    return {
      ...(temperature === null ? {} : { temperature }),
      ...within('p', 'top_p', topP, [0.01, 0.99], report),
      ...within('k', 'top_k', topK, [0, 500], report),
    };
  const asked = Object.entries({ temperature, top_p: topP, top_k: topK }).filter(([, value]) => value !== null);
  for (const [field] of asked) report.dropped(field, 'the model takes no sampling parameters');
  return {};
}

/** Cohere refuses what is beyond its bounds, which are narrower than other formats'. */
function within(
  name: string,
  field: string,
  value: number | null,
  [least, most]: readonly [number, number],
  report: Report,
): JsonRecord {
  if (value === null) return {};
  const fitted = Math.min(Math.max(value, least), most);
  if (fitted !== value) report.approximated(field, `Cohere takes ${least} to ${most}`);
  return { [name]: fitted };
}

/** What v2 chat has no word for. */
function reportUnsaid(request: ChatRequest, report: Report): void {
  const unsaid: readonly (readonly [field: string, asked: boolean])[] = [
    ['n', request.choices !== null && request.choices > 1],
    ['logit_bias', request.logitBias !== null && Object.keys(request.logitBias).length > 0],
    ['parallel_tool_calls', request.parallelToolCalls === false && request.tools.length > 0],
    ['user', request.user !== null],
  ];
  for (const [field, asked] of unsaid) if (asked) report.dropped(field, 'Cohere has no such field');
}
