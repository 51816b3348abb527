/** Icons, drawn on a grid of 24 by strokes. An icon says nothing to a screen reader: its button has a label. */
const PATHS = {
  album: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 6.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z",
  arrowDown: "M12 4v16m-6-6 6 6 6-6",
  arrowUp: "M12 20V4m-6 6 6-6 6 6",
  artist: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.500 8c.8-3.700 3.700-5.500 7.500-5.500s6.700 1.800 7.500 5.500",
  blend: "M9 6a6 6 0 1 0 0 12A6 6 0 0 0 9 6Zm6 0a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z",
  close: "m6 6 12 12M18 6 6 18",
  filter: "M4 6h16M7 12h10M10 18h4",
  folder: "M4 6h5l2 2h9v10.500a.5.5 0 0 1-.5.5h-15a.5.5 0 0 1-.5-.5Z",
  genre: "M4 5v6.500L12.500 20 20 12.500 11.500 4H5a1 1 0 0 0-1 1Zm4.500 3.500h.01",
  home: "m4 11 8-7 8 7v8.500a.5.5 0 0 1-.5.5H15v-6H9v6H4.500a.5.5 0 0 1-.5-.5Z",
  machine: "M4 5h16v10H4zM8 20h8M12 15v5",
  map: "M4 19c3-6 5-2 8-7s4-1 8-8M7 7h.01M17 16h.01M12 18h.01M5 12h.01M19 10h.01",
  more: "M4.2 12a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0ZM11.2 12a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0ZM18.2 12a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0Z",
  next: "m6 5 9 7-9 7ZM18 5v14",
  pause: "M8 5v14M16 5v14",
  play: "m7 4.500 12 7.500-12 7.500Z",
  playNext: "M4 6h9M4 12h9M4 18h16m-3-15 4 4-4 4",
  // of the player and of lists
  moveDown: "m6 9.500 6 6 6-6",
  moveUp: "m6 14.500 6-6 6 6",
  muted: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500ZM16 9.500l5 5m0-5-5 5",
  repeat:
    "M7 6h10a3 3 0 0 1 3 3v2M17 18H7a3 3 0 0 1-3-3v-2M14.500 3.500 17 6l-2.500 2.500M9.500 20.500 7 18l2.500-2.500",
  repeatOne:
    "M7 6h10a3 3 0 0 1 3 3v2M17 18H7a3 3 0 0 1-3-3v-2M14.500 3.500 17 6l-2.500 2.500M9.500 20.500 7 18l2.500-2.500M11 10.500l1.500-1V14.500",
  smart: "M4 6h16M4 11h8M4 16h6m7-6 1.300 3.200 3.200 1.300-3.200 1.300L17 19l-1.300-3.200-3.200-1.300 3.200-1.300Z",
  volume: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500ZM15.500 9a4 4 0 0 1 0 6M18 6.500a7.800 7.800 0 0 1 0 11",
  playlist: "M4 6h16M4 11h16M4 16h8m4-1v6m-3-3h6",
  previous: "m18 5-9 7 9 7ZM6 5v14",
  queue: "M4 6h16M4 12h16M4 18h10",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13Zm5 11.500L20 20",
  settings: "M5 7h9m4 0h1M5 17h1m4 0h9M16 5v4M8 15v4",
  shuffle:
    "M4 7h3c5 0 5 10 10 10h3m-3-3 3 3-3 3M4 17h3c1.500 0 2.600-.9 3.400-2.200M13.600 9.200C14.400 7.900 15.500 7 17 7h3m-3-3 3 3-3 3",
  star: "m12 4 2.500 5.100 5.600.8-4 4 .9 5.600-5-2.700-5 2.700.9-5.600-4-4 5.600-.8Z",
  // of the map
  hand: "M8 12V6.500a1.500 1.500 0 0 1 3 0V11m0-5.500a1.500 1.500 0 0 1 3 0V11m0-4a1.500 1.500 0 0 1 3 0v7a6 6 0 0 1-6 6c-2.500 0-4-1-5.300-3l-2.200-3.600a1.400 1.400 0 0 1 2.300-1.600L8 13.500",
  lasso:
    "M12 4c4.700 0 8.500 2.200 8.500 5s-3.800 5-8.500 5-8.500-2.200-8.500-5 3.800-5 8.500-5ZM7 13.200c-1.600.6-2 2.600-.4 3.300 1.800.8 2.900 1.800 2.400 4",
  minus: "M5 12h14",
  plus: "M12 5v14M5 12h14",
  radio:
    "M8.500 15.500a5 5 0 0 1 0-7m7 0a5 5 0 0 1 0 7M5.700 18.300a9 9 0 0 1 0-12.600m12.600 0a9 9 0 0 1 0 12.600M12 12h.01",
  whole: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 22, isFilled = false }: { name: IconName; size?: number; isFilled?: boolean }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={isFilled ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
