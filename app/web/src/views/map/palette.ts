/** The colours of CSS as numbers, because the pixels of a canvas are numbers. */

/** Return what custom properties mean within an element now, each as 0xBBGGRR. */
export function readColours(element: Element, names: readonly string[]): Uint32Array {
  const probe = document.createElement("span");
  element.append(probe);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const colours = Uint32Array.from(names, (name) => {
    probe.style.color = `var(${name})`;
    if (!context) return 0;
    context.fillStyle = getComputedStyle(probe).color; // light-dark() and oklch() are resolved by the browser
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return red | (green << 8) | (blue << 16);
  });
  probe.remove();
  return colours;
}
