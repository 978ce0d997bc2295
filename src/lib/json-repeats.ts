/** Where a member stands twice in one object of a JSON document: which of them counts, readers do not agree on (RFC 8259 §4). */

interface Open {
  /** The names so far; null: a list. */
  readonly names: Set<string> | null;
  /** Of the value that is read: a member's name, or a place in a list. */
  at: string | number;
  /** Whether the next text is a name. */
  isName: boolean;
}

/** The path of the first one, such as `limits.budgets[0].usd`; null: none. `json` must be valid. Linear, and recurses nowhere. */
export function findRepeatedMember(json: string): string | null {
  const open: Open[] = [];
  for (let at = 0; at < json.length; at++) {
    const inner = open.at(-1);
    switch (json.charAt(at)) {
      case '{':
        open.push({ names: new Set(), at: '', isName: true });
        break;
      case '[':
        open.push({ names: null, at: 0, isName: false });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (typeof inner?.at === 'number') inner.at++;
        else if (inner !== undefined) inner.isName = true;
        break;
      case '"': {
        const end = endOfText(json, at + 1);
        if (inner?.isName === true) {
          // Escapes in names count as what they stand for.
          const name = String(JSON.parse(json.slice(at, end)));
          inner.at = name;
          inner.isName = false;
          if (inner.names?.has(name) === true) return pathOf(open);
          inner.names?.add(name);
        }
        at = end - 1;
      }
    }
  }
  return null;
}

/** Behind the closing quote. */
function endOfText(json: string, from: number): number {
  let at = from;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

const STEP_LENGTH_MAX = 80;
const STEPS_MAX = 10;

function pathOf(open: readonly Open[]): string {
  return open
    .slice(-STEPS_MAX)
    .map(({ at }) => (typeof at === 'number' ? `[${at}]` : `.${at.slice(0, STEP_LENGTH_MAX)}`))
    .join('')
    .replace(/^\./, '');
}
