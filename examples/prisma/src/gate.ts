/** Busy means that a request waited too long for its turn. Answer it with status 503. */
export class Busy extends Error {
  override readonly name = "Busy";
}

interface Waiter {
  admit: () => void;
  timer: NodeJS.Timeout;
}

/** Gate admits at most `size` holders at once. The others wait in the order in which they came. */
export class Gate {
  #holders = 0;
  readonly #waiters: Waiter[] = [];

  constructor(
    readonly size: number,
    readonly waitMs: number,
  ) {}

  get holders(): number {
    return this.#holders;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** enter resolves when it is the caller's turn. It rejects with Busy after waitMs. */
  enter(): Promise<void> {
    if (this.#holders < this.size) {
      this.#holders++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new Busy(`waited ${this.waitMs} ms: ${this.size} transactions are running`));
      }, this.waitMs);
      const waiter = { admit: resolve, timer };
      this.#waiters.push(waiter);
    });
  }

  /** leave must follow each enter that resolved. */
  leave(): void {
    const next = this.#waiters.shift();
    if (!next) {
      this.#holders--;
      return;
    }
    clearTimeout(next.timer); // the place passes to the next holder
    next.admit();
  }
}
