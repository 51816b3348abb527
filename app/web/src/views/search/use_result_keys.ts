/** Return what handles the arrow keys among results: they lead to the next result, and from the first to the field. */
export function useResultKeys(): (event: KeyboardEvent) => void {
  return (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const results = resultsIn(document.getElementById("content"));
    const at = results.indexOf(event.target as HTMLElement);
    if (step === undefined || at < 0 || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (at + step < 0) document.querySelector<HTMLElement>(".search-field input")?.focus();
    else results[at + step]?.focus();
  };
}

/** Return what opens or plays each result, in the order of the view. */
export function resultsIn(view: Element | null): HTMLElement[] {
  return [...(view?.querySelectorAll<HTMLElement>("article > a, .track-row .play, .results.genres > li > a") ?? [])];
}
