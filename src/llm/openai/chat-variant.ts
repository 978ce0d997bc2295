/** In what the vendors that speak this dialect differ when a request is written for them. */
import { reportCacheMark } from '../cache-mark.ts';
import type { CacheMark, ChatRequest, MediaPart } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeCacheMark } from './cache-mark.ts';

export interface ChatVariant {
  readonly dialect: 'openai' | 'mistral';
  /** The member that bounds the output; null: `max_completion_tokens` for models known to reason, else `max_tokens`. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens' | null;
  readonly seedField: 'seed' | 'random_seed';
  /** The word of `tool_choice` that forces any of the tools. */
  readonly requiredWord: 'required' | 'any';
  /** Whether instructions may come as `developer`; else they go as `system`, which means the same. */
  readonly developerRole: boolean;
  /** Whether a content of several texts goes as a list; else they are joined, as some vendors take strings only. */
  readonly textLists: boolean;
  /** Where earlier reasoning goes back: nowhere, in members of the message, or as parts of its content. */
  readonly thinking: 'none' | 'reasoning_content' | 'reasoning_details' | 'content';
  /** Whether a tool's result may hold media; else they follow in a message of the user. */
  readonly resultMedia: boolean;
  /** Whether `name` may stand with a participant. */
  readonly names: boolean;
  /** Whether tools may take free text; else they take an object. A caller of this dialect is believed to know. */
  readonly customTools: boolean;
  /** Whether `tool_choice` can narrow the set of tools; else the others are left out. A caller of this dialect knows. */
  readonly allowedTools: boolean;
  /** Whether an assistant's message at the end must be marked as the answer's beginning. */
  readonly prefixMark: boolean;
  /** Whether messages may stand in any order, and be empty. */
  readonly anyOrder: boolean;
  /** Whether an effort is told to models of which nobody knows that they take one. */
  readonly effortUnasked: boolean;
  /** Whether usage at a stream's end must be asked for. */
  readonly asksStreamUsage: boolean;
  /** Whether prompts are kept by `prompt_cache_key`. */
  readonly cacheKeys: boolean;
  /** What the vendor has no member for. */
  readonly lacks: ReadonlySet<keyof ChatRequest>;
  fitId(id: string): string;
  /** Throws a RequestFault where the format has no place for it. */
  writeMedia(part: MediaPart, path: string, extra: JsonRecord): JsonRecord;
}

/** One request that is being written. */
export class Writing {
  readonly request: ChatRequest;
  readonly target: TargetModel;
  readonly variant: ChatVariant;
  readonly report: Report;

  constructor(request: ChatRequest, target: TargetModel, variant: ChatVariant, report: Report) {
    this.request = request;
    this.target = target;
    this.variant = variant;
    this.report = report;
  }

  /** Whether what only the caller's dialect understands may go on. */
  get isOwnDialect(): boolean {
    return this.request.extraOf === this.variant.dialect;
  }

  get takesCustomTools(): boolean {
    return this.isOwnDialect || this.variant.customTools;
  }

  get takesAllowedTools(): boolean {
    return this.isOwnDialect || this.variant.allowedTools;
  }

  /** Unknown members as they go on; reported where they do not. */
  extras(extra: JsonRecord | undefined, path = ''): JsonRecord {
    const { request, variant, report } = this;
    return ownExtra(extra, path, { extraOf: request.extraOf, dialect: variant.dialect, report });
  }

  /** A mark for the cache, which a caller of this dialect only sets where the vendor knows it. */
  cacheMark(part: { readonly cache?: CacheMark }): JsonRecord {
    if (this.isOwnDialect && part.cache !== undefined) return { cache_control: writeCacheMark(part.cache) };
    reportCacheMark(part, this.report);
    return {};
  }
}

/** The fault of a part that the format has no place for. */
export function unplaced(path: string, what: string, instead: string): RequestFault {
  return new RequestFault(path, `"${path}": this model's provider takes no ${what}. ${instead}`);
}
