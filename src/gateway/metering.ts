/** What a call is expected to use before it is made, and what it did use once it has ended. */
import { scanJson } from '../lib/json-scan.ts';
import type { MediaReading, RequestReading, Usage } from '../llm/dialect.ts';
import { costOf, termsAt } from '../llm/price.ts';
import type { Price } from '../llm/price.ts';
import { estimateSearchUnits } from '../llm/rerank.ts';
import type { Call } from './call.ts';
import { directTarget, resolveModel } from './targets.ts';
import type { Target } from './targets.ts';

/** Of JSON with running text; a token has about four bytes of English, three of Chinese. */
const BYTES_PER_INPUT_TOKEN = 3;

/** Whole numbers: what limits on tokens and money count. */
export interface Amounts {
  readonly tokens: number;
  readonly nanoUsd: number;
}

export const NOTHING: Amounts = Object.freeze({ tokens: 0, nanoUsd: 0 });

/** What the call may need at most; null where money is asked about and the model has no price. */
export function expectedAmounts(call: Call): { readonly tokens: number; readonly nanoUsd: number | null } {
  const usage = expectedUsage(call);
  if (usage === null) return isBlind(call) ? { tokens: 0, nanoUsd: null } : NOTHING;
  if (call.reading !== null && leavesModelOpen(call.reading)) return { tokens: 0, nanoUsd: null };
  const prices = expectedPrices(call);
  const tokens = tokensOf(usage);
  const media = call.reading?.media;
  // A model that is not there will be refused for that.
  if (prices === null) return { tokens, nanoUsd: 0 };
  if (!prices.every((price) => canCharge(media, price))) return { tokens, nanoUsd: null };
  return {
    tokens,
    nanoUsd: prices.length === 0 ? null : Math.max(...prices.map((price) => costOf(usage, price, media))),
  };
}

/**
 * A price by tokens alone says nothing of an answer that has no place for their number, one of sound
 * alone nothing of a text, and one by the hour nothing of sound that is elsewhere, at an address in the body.
 */
function canCharge(media: MediaReading | undefined, price: Price): boolean {
  if (media === undefined) return !isOfSound(price);
  const { mayTellUsage, images, characters, audioMs } = media;
  const { perAudioHour = 0, perMillionCharacters = 0 } = price;
  if (perAudioHour > 0 && audioMs === 0) return false;
  const isFixed =
    perAudioHour > 0 ||
    (perMillionCharacters > 0 && characters > 0) ||
    price.perRequest !== undefined ||
    (images > 0 && price.perImage !== undefined);
  return isFixed || (mayTellUsage && !isOfSound(price)) || isFree(price);
}

function isFree(price: Price): boolean {
  return price.input === 0 && price.output === 0 && !isOfSound(price);
}

function isOfSound({ input, output, perAudioHour = 0, perMillionCharacters = 0 }: Price): boolean {
  return input === 0 && output === 0 && perAudioHour + perMillionCharacters > 0;
}

/** Whether the vendor chooses the model, which it does for images and moderation: nobody here knows which. */
export function leavesModelOpen({ media, model }: RequestReading): boolean {
  return media !== undefined && model === null;
}

/** A passthrough to an endpoint of which nobody here knows what it costs; looking costs nothing. */
function isBlind({ operation, reading, inbound }: Call): boolean {
  return operation === 'passthrough' && reading === null && inbound.method !== 'GET' && inbound.method !== 'HEAD';
}

/** Of a body that was not counted: rather too many than too few. */
export function estimatedInputTokens({ body }: Pick<Call, 'body'>): number {
  return Math.ceil((body?.length ?? 0) / BYTES_PER_INPUT_TOKEN);
}

/** Of a call whose provider did not tell: the same for a whole answer and for a stream. */
function promptTokens({ body }: Call): number {
  if (body === null) return 0;
  const scan = scanJson(body);
  const bytes = scan.ok && scan.document.kind === '{' ? scan.document.bytesBesides(NO_PROMPT) : body.length;
  return Math.ceil(bytes / BYTES_PER_INPUT_TOKEN);
}

/** How the answer is to come. */
const NO_PROMPT = ['stream', 'stream_options'];

/** Null for calls that no model answers. */
function expectedUsage(call: Call): Usage | null {
  const { reading, body, operation, config } = call;
  if (reading === null || operation === 'count_tokens') return null;
  // Of images and sound only what is paid by the call, the image, the character and the hour is known
  // beforehand. Not foreseen, and so not reserved: the tokens of a picture or a second, and of the text beside them.
  if (reading.media !== undefined) return usageOf(0, 0);
  const inputTokens = estimatedInputTokens({ body });
  if (operation === 'rerank') return { ...usageOf(inputTokens, 0), searchUnits: estimateSearchUnits(reading.body) };
  const outputTokens = writesTokens(operation) ? (reading.outputTokensMax ?? config.settings.outputTokensAssumed) : 0;
  return usageOf(inputTokens, outputTokens);
}

/** Vectors and orders are no tokens, however many bytes they have. */
function writesTokens(operation: Call['operation']): boolean {
  return operation !== 'embeddings' && operation !== 'batch_embeddings' && operation !== 'rerank';
}

/**
 * Before the call's own target is chosen: the prices of all that its model's name may lead to, of
 * which the highest is to be reserved. Null: it leads nowhere.
 */
function expectedPrices(call: Call): readonly Price[] | null {
  const targets = call.target === null ? expectedTargets(call) : [call.target];
  return targets.length === 0 ? null : targets.flatMap(({ price }) => price ?? []);
}

function expectedTargets({ workspace, requestedModel, direct, dialect }: Call): readonly Target[] {
  if (workspace === null || requestedModel === null) return [];
  if (direct) {
    const target = directTarget(workspace, dialect, requestedModel);
    return 'code' in target ? [] : [target];
  }
  return resolveModel(workspace, dialect, requestedModel).candidates.map(({ target }) => target);
}

/**
 * Sets what the call used, in tokens and money. What the provider told counts; where it did not,
 * or was cut off, what went by is estimated and marked so: an unknown is never nothing.
 */
export function meter(call: Call): void {
  const media = call.reading?.media;
  if (media !== undefined) {
    meterMedia(call, media);
    return;
  }
  const used = usedBy(call);
  if (used === null) return;
  call.usage = used.usage;
  call.usageEstimated = used.estimated;
  const price = call.target?.price ?? null;
  if (price !== null && !isOfSound(price)) call.costNanoUsd = costOf(used.usage, price, { atMs: call.startedAtMs });
}

/**
 * Tokens of images and sound are those that the provider told, or unknown: bytes do not tell them.
 * What the images and characters asked for cost is known without them, and what the sound costs that
 * was sent by about how long it is, where the provider does not say; what else cannot be known is null.
 */
function meterMedia(call: Call, media: MediaReading): void {
  const { target, usage, upstreamStatus } = call;
  if (target === null || call.attempts === 0) return;
  // Where the caller left before the answer began, the provider is at work all the same.
  if (upstreamStatus === null ? call.code !== 'client_closed' : upstreamStatus >= 300) return;
  const { price } = target;
  const toldMs = usage?.audioMs;
  const { images, characters, audioMs } = media;
  const isSoundGuessed = audioMs > 0 && toldMs === undefined && price?.perAudioHour !== undefined;
  call.usageEstimated = !call.complete || isSoundGuessed;
  if (price === null) return;
  const circumstances = { atMs: call.startedAtMs, images, characters, audioMs: toldMs ?? audioMs };
  const cost = costOf(usage ?? usageOf(0, 0), price, circumstances);
  const isKnown = tellsTokens(usage) ? !isOfSound(price) : isFree(price);
  if (cost > 0 || isKnown) call.costNanoUsd = cost;
}

/** Where only a duration is told, the counts of tokens are none. */
export function tellsTokens(usage: Usage | null): usage is Usage {
  return usage !== null && (usage.audioMs === undefined || tokensOf(usage) > 0);
}

function usedBy(call: Call): { readonly usage: Usage; readonly estimated: boolean } | null {
  const { usage, upstreamStatus, operation } = call;
  if (call.target === null || call.attempts === 0 || operation === 'count_tokens') return null;
  // Of a whole answer this is asked twice, for its head and for its record: an estimate stays one.
  if (usage !== null && call.complete && (operation !== 'rerank' || call.usageEstimated))
    return { usage, estimated: call.usageEstimated };
  if (call.reading === null) return null;
  // Where the caller left before the answer began, the prompt was sent, and the provider has read it.
  if (upstreamStatus === null ? call.code !== 'client_closed' : upstreamStatus >= 300) return null;
  if (operation === 'rerank') return searched(call, call.reading.body);
  const seen = writesTokens(operation) ? Math.min(call.seenOutput?.tokens() ?? 0, MAX_TOKENS) : 0;
  const known = usage ?? usageOf(promptTokens(call), 0);
  return { usage: { ...known, outputTokens: Math.max(known.outputTokens, seen) }, estimated: true };
}

/** Some rerankers tell tokens, some searches: what is not told is estimated, and marked so where it is paid for. */
function searched(call: Call, body: Buffer): { readonly usage: Usage; readonly estimated: boolean } {
  const { target, startedAtMs } = call;
  const told = call.complete ? call.usage : null;
  const price = target?.price ?? null;
  const terms = price === null ? null : termsAt(price, startedAtMs);
  const isSoldByUnit = terms?.perSearchUnit !== undefined;
  const isSoldByToken = !isSoldByUnit || terms.input > 0;
  const inputTokens = told?.inputTokens ?? 0;
  const searchUnits = told?.searchUnits ?? (isSoldByUnit ? estimateSearchUnits(body) : undefined);
  return {
    usage: {
      ...usageOf(inputTokens > 0 ? inputTokens : promptTokens(call), 0),
      ...(searchUnits !== undefined && { searchUnits }),
    },
    estimated: (isSoldByToken && inputTokens === 0) || (isSoldByUnit && told?.searchUnits === undefined),
  };
}

const MAX_TOKENS = 10_000_000;

/** What counts against limits. */
export function amountsUsed(call: Call): Amounts {
  const { usage, costNanoUsd } = call;
  return { tokens: usage === null ? 0 : tokensOf(usage), nanoUsd: costNanoUsd ?? 0 };
}

function tokensOf({ inputTokens, outputTokens }: Usage): number {
  return inputTokens + outputTokens;
}

function usageOf(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens, reasoningTokens: 0 };
}
