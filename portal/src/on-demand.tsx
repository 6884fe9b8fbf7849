import { type ComponentType, lazy, useState } from 'react';

type Load = () => Promise<{ default: ComponentType }>;

/** A view whose script is loaded when it is first shown, or before by `preload`. */
export class OnDemand {
  readonly #load: Load;
  readonly #lazy: ComponentType;
  #loaded: ComponentType | undefined;

  constructor(load: Load) {
    this.#load = load;
    this.#lazy = lazy(load);
  }

  async preload(): Promise<void> {
    this.#loaded = (await this.#load()).default;
  }

  /**
   * The view itself once it is loaded. `lazy` alone would first show the fallback of its Suspense,
   * which React keeps for 300 ms.
   */
  get component(): ComponentType {
    return this.#loaded ?? this.#lazy;
  }
}

export function Shown({ view }: { view: OnDemand }) {
  // Chosen once: another type at the next rendering would lose what the view holds.
  const [Chosen] = useState(() => view.component);
  return <Chosen />;
}
