// server/web/sdk/emitter.js: typed events. `on` returns the function that takes the listener off again.

/**
 * @template {{[event: string]: any[]}} Events
 */
export class Emitter {
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events & string} K
   * @param {K} event
   * @param {(...args: Events[K]) => void} listener
   * @returns {() => void} takes the listener off
   */
  on(event, listener) {
    let set = this.#listeners.get(event);
    if (!set) this.#listeners.set(event, (set = new Set()));
    set.add(/** @type {any} */ (listener));
    return () => this.off(event, listener);
  }

  /**
   * @template {keyof Events & string} K
   * @param {K} event
   * @param {(...args: Events[K]) => void} listener
   * @returns {() => void}
   */
  once(event, listener) {
    const off = this.on(event, (...args) => {
      off();
      listener(...args);
    });
    return off;
  }

  /**
   * @template {keyof Events & string} K
   * @param {K} event
   * @param {(...args: Events[K]) => void} listener
   */
  off(event, listener) {
    this.#listeners.get(event)?.delete(/** @type {any} */ (listener));
  }

  /**
   * Calls every listener; one that throws does not keep the others from being called.
   * @template {keyof Events & string} K
   * @param {K} event
   * @param {Events[K]} args
   */
  emit(event, ...args) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(...args);
      } catch (error) {
        console.error(`listener of ${event}:`, error);
      }
    }
  }
}
