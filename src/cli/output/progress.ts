const redrawMs = 100;
const clearLine = '\r\u001b[K';

export type Progress = {
  /** Replaces the text. */
  show(text: string): void;
  /** Removes the line. */
  end(): void;
};

/** Progress line on stderr; silent unless stderr is a terminal. */
export function startProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show: () => undefined, end: () => undefined };
  let text = '';
  const draw = () => stream.write(`${clearLine}${text.slice(0, stream.columns - 1)}`);
  const timer = setInterval(draw, redrawMs);
  return {
    show: (next) => {
      text = next;
    },
    end: () => {
      clearInterval(timer);
      stream.write(clearLine);
    },
  };
}

/** Shows a text and the elapsed time while `work` runs. */
export async function whileWaiting<Result>(text: string, work: Promise<Result>): Promise<Result> {
  const progress = startProgress();
  const startedAtMs = performance.now();
  const tell = () => progress.show(`${text} … ${Math.round((performance.now() - startedAtMs) / 1_000)} s`);
  tell();
  const timer = setInterval(tell, 1_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    progress.end();
  }
}
