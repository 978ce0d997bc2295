/** Tells when a JSON object that comes in pieces is whole: each character is looked at once. */
export class JsonEnd {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  push(text: string): void {
    for (let at = 0; at < text.length && !this.#isWhole; at++) this.#take(text.charCodeAt(at));
  }

  #take(code: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (this.#inString) this.#takeInString(code);
    else if (code === 0x22) this.#inString = true;
    else if (code === 0x7b || code === 0x5b) this.#depth++;
    else if (code === 0x7d || code === 0x5d) this.#isWhole = --this.#depth <= 0;
  }

  #takeInString(code: number): void {
    if (code === 0x5c) this.#escaped = true;
    else if (code === 0x22) this.#inString = false;
  }
}
