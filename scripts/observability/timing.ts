/** The windows that rules look back over, by their names, and how long an alert waits. */
export type Timing = {
  windows: { '5m': string; '30m': string; '1h': string; '6h': string };
  /** For how long a condition must last. */
  hold(minutes: number): string;
  interval: string;
};

export const inProduction: Timing = {
  windows: { '5m': '5m', '30m': '30m', '1h': '1h', '6h': '6h' },
  hold: (minutes) => `${minutes}m`,
  interval: '15s',
};

/** For tests against a Prometheus that scrapes every second: minutes become seconds. */
export const hurried: Timing = {
  windows: { '5m': '5s', '30m': '6s', '1h': '8s', '6h': '10s' },
  hold: () => '1s',
  interval: '1s',
};
