/** The way from a verifier to its broker, which a test may cut, hold up or listen in on. */
export type Link = {
  fetch: typeof fetch;
  /** From here on nobody is reached. */
  cut(): void;
  mend(): void;
  /**
   * Answers of this path are held back until `release`; `reached` resolves when the first is there.
   */
  hold(path: string): { reached: Promise<void>; release(): void };
  /** The broker hears of these and acts, and nobody hears of its answer, `times` times. */
  loseAnswers(path: string, times: number): void;
  /** How often this path was asked for. */
  asked(path: string): number;
};

export function newLink(): Link {
  let isCut = false;
  let held: { path: string; reach: () => void; released: Promise<void> } | undefined;
  let lost = { path: '', times: 0 };
  const paths: string[] = [];
  return {
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input));
      paths.push(pathname);
      if (isCut) throw new TypeError('cut');
      const answer = await fetch(input, init);
      if (isCut) throw new TypeError('cut');
      if (lost.times > 0 && pathname.endsWith(lost.path)) {
        lost.times -= 1;
        throw new TypeError('the answer is lost');
      }
      if (held === undefined || !pathname.endsWith(held.path)) return answer;
      // Read before it is held: what it says is what was true then.
      const text = await answer.text();
      held.reach();
      await held.released;
      return new Response(text, { status: answer.status, headers: answer.headers });
    },
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
    },
    hold: (path) => {
      let release = () => {};
      let reach = () => {};
      const reached = new Promise<void>((resolve) => {
        reach = resolve;
      });
      const released = new Promise<void>((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      held = { path, reach, released };
      return { reached, release: () => release() };
    },
    loseAnswers: (path, times) => {
      lost = { path, times };
    },
    asked: (path) => paths.filter((asked) => asked.endsWith(path)).length,
  };
}
