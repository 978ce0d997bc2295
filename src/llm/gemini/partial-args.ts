/**
 * Arguments that come in pieces (Vertex AI, `streamFunctionCallArguments`): each names a place by a
 * JSON path, such as `$.recipe.steps[0]`, and gives a value, or more of a text.
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
 */
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';

/** What a provider cannot make us build: places deeper than this, or more of them. */
const DEPTH_MAX = 64;
const PLACES_MAX = 100_000;

type Scalar = string | number | boolean | null;
/** Names are the provider's: maps hold them, so that none is special. */
type Node =
  | { readonly kind: 'object'; readonly members: Map<string, Node> }
  | { readonly kind: 'array'; readonly items: Map<number, Node> }
  | { readonly kind: 'scalar'; value: Scalar }
  | { readonly kind: 'json'; readonly value: unknown };

/** The arguments of one call as far as they have come. */
export class PartialArgs {
  readonly #root: Node & { kind: 'object' };
  #places = 0;

  /** `args` are those that came whole, if any. */
  constructor(args: unknown) {
    const members = new Map<string, Node>();
    for (const [name, value] of Object.entries(recordOf(args))) members.set(name, { kind: 'json', value });
    this.#root = { kind: 'object', members };
  }

  /** Takes one of `partialArgs`; what makes no sense is left out. */
  add(piece: unknown): void {
    const { jsonPath, ...value } = recordOf(piece);
    const steps = typeof jsonPath === 'string' ? stepsOf(jsonPath) : null;
    const scalar = scalarOf(value);
    if (steps === null || scalar === undefined) return;
    let node: Node | null = this.#root;
    for (const [depth, step] of steps.entries()) {
      if (node === null) return;
      node = this.#child(node, step, emptyFor(steps[depth + 1], scalar));
    }
    if (node?.kind === 'scalar') node.value = joined(node.value, scalar);
  }

  /** JSON text of what has come. */
  text(): string {
    return JSON.stringify(plain(this.#root));
  }

  #child(parent: Node, step: string | number, empty: Node): Node | null {
    if (parent.kind === 'object' && typeof step === 'string') return this.#found(parent.members, step, empty);
    return parent.kind === 'array' && typeof step === 'number' ? this.#found(parent.items, step, empty) : null;
  }

  #found<Key>(nodes: Map<Key, Node>, key: Key, empty: Node): Node | null {
    const known = nodes.get(key);
    if (known !== undefined) return known;
    if (++this.#places > PLACES_MAX) return null;
    nodes.set(key, empty);
    return empty;
  }
}

function emptyFor(next: string | number | undefined, scalar: Scalar): Node {
  if (next === undefined) return { kind: 'scalar', value: typeof scalar === 'string' ? '' : scalar };
  return typeof next === 'string' ? { kind: 'object', members: new Map() } : { kind: 'array', items: new Map() };
}

/** A text goes on, anything else is replaced. */
function joined(before: Scalar, more: Scalar): Scalar {
  return typeof before === 'string' && typeof more === 'string' ? before + more : more;
}

function scalarOf(value: JsonRecord): Scalar | undefined {
  const { stringValue, numberValue, boolValue } = value;
  if (typeof stringValue === 'string') return stringValue;
  if (typeof numberValue === 'number') return numberValue;
  if (typeof boolValue === 'boolean') return boolValue;
  return Object.hasOwn(value, 'nullValue') ? null : undefined;
}

/** `.name`, `['name']`, `["name"]` or `[0]`, as RFC 9535 writes them. */
const STEP = /\.([^.[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/gy;

function stepsOf(path: string): readonly (string | number)[] | null {
  if (!path.startsWith('$')) return null;
  const steps: (string | number)[] = [];
  STEP.lastIndex = 1;
  for (let at = 1; at < path.length; at = STEP.lastIndex) {
    const match = STEP.exec(path);
    if (match === null || steps.length >= DEPTH_MAX) return null;
    const [, name, index, single, double] = match;
    const quoted = single ?? double;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return steps.length === 0 ? null : steps;
}

/** Items in the order of their numbers: one that did not come leaves no hole. */
function plain(node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
    case 'json':
      return node.value;
    case 'array':
      return [...node.items].sort(([a], [b]) => a - b).map(([, item]) => plain(item));
    case 'object':
      return Object.fromEntries([...node.members].map(([name, member]) => [name, plain(member)]));
  }
}

/** Whether a `functionCall` says that more of it will come. */
export function continues(call: JsonRecord): boolean {
  return call['willContinue'] === true;
}

/** The pieces that a `functionCall` holds. */
export function piecesOf(call: JsonRecord): readonly JsonRecord[] {
  const { partialArgs } = call;
  return Array.isArray(partialArgs) ? partialArgs.filter(isRecord) : [];
}
