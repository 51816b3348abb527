import { describe, expect, test } from "vitest";
import { overviewOf, panBy, toMap, toScreen, zoomAt, zoomOf } from "../src/views/map/camera";
import { coloured } from "../src/views/map/colours";
import { labelsOf, visible } from "../src/views/map/labels";
import { paint, paintMoved, radiusOf } from "../src/views/map/paint";
import { decodePoints, indexOf, type Points } from "../src/views/map/points";
import { byDistance, gridOf, inLasso, inRectangle, isInside, middleOf, nearest } from "../src/views/map/region";
import { spotsOf } from "../src/views/map/spots";

const SIZE = { width: 800, height: 600 };
const WHOLE = { x: 32_768, y: 32_768, scale: 0.008 };

function pointsOf(places: readonly (readonly [number, number])[], more: Partial<Points> = {}): Points {
  const count = places.length;
  return {
    count,
    ids: Uint32Array.from(places, (_, i) => 10 * (i + 1)),
    artists: new Uint32Array(count),
    genres: new Uint32Array(count),
    xs: Uint16Array.from(places, ([x]) => x),
    ys: Uint16Array.from(places, ([, y]) => y),
    years: new Uint16Array(count),
    keys: new Uint8Array(count),
    tempos: new Uint8Array(count),
    soundTags: new Uint8Array(count),
    ...more,
  };
}

/** Points here and there, the same ones in each run. */
const MANY = pointsOf(Array.from({ length: 3000 }, (_, i) => [(i * 7919) % 65_536, (i * 104_729) % 65_536] as const));

describe("the points of an answer", () => {
  const data = new ArrayBuffer(8 + 2 * 21);
  const view = new DataView(data);
  for (const [at, letter] of [..."SBM2"].entries()) view.setUint8(at, letter.charCodeAt(0));
  view.setUint32(4, 2, true);
  view.setUint32(8 + 4, 77, true); // the second id
  view.setUint16(8 + 24, 65_535, true); // the first x
  view.setUint8(8 + 24 + 12 + 1, 24); // the second key

  test("have one column behind the other", () => {
    const points = decodePoints(data);
    expect([points.count, points.ids[1], points.xs[0], points.keys[1], points.tempos[1]]).toEqual([
      2, 77, 65_535, 24, 0,
    ]);
    expect(indexOf(points, 77)).toBe(1);
    expect(indexOf(points, 78)).toBeUndefined();
  });

  test("are refused when something else came", () => {
    expect(() => decodePoints(data.slice(0, 40))).toThrow();
    expect(() => decodePoints(new ArrayBuffer(3))).toThrow();
    const other = data.slice(0);
    new DataView(other).setUint8(0, 0);
    expect(() => decodePoints(other)).toThrow();
  });
});

describe("the camera", () => {
  test("leads from the map to the screen and back", () => {
    const camera = { x: 1000, y: 2000, scale: 0.02 };
    expect(toScreen(camera, SIZE, { x: 1000, y: 2000 })).toEqual({ x: 400, y: 300 });
    const there = toScreen(camera, SIZE, { x: 5000, y: 100 });
    const back = toMap(camera, SIZE, there);
    expect(back.x).toBeCloseTo(5000);
    expect(back.y).toBeCloseTo(100);
  });

  test("keeps what lies under the pointer where it is", () => {
    const at = { x: 100, y: 550 };
    const before = toMap(WHOLE, SIZE, at);
    const closer = zoomAt(WHOLE, SIZE, at, 3, WHOLE);
    expect(zoomOf(closer, WHOLE)).toBeCloseTo(3);
    expect(toMap(closer, SIZE, at).x).toBeCloseTo(before.x);
    expect(toMap(closer, SIZE, at).y).toBeCloseTo(before.y);
  });

  test("has limits", () => {
    expect(zoomOf(zoomAt(WHOLE, SIZE, { x: 0, y: 0 }, 1e9, WHOLE), WHOLE)).toBeCloseTo(80);
    expect(zoomOf(zoomAt(WHOLE, SIZE, { x: 0, y: 0 }, 1e-9, WHOLE), WHOLE)).toBeCloseTo(0.7);
  });

  test("moves with what is dragged", () => {
    const moved = panBy(WHOLE, 80, -40);
    const at = toScreen(moved, SIZE, { x: WHOLE.x, y: WHOLE.y });
    expect([at.x, at.y]).toEqual([480, 260]);
  });

  test("shows all points, or some, with a margin", () => {
    const points = pointsOf([
      [0, 20_000],
      [65_535, 40_000],
      [30_000, 30_000],
    ]);
    const all = overviewOf(points, SIZE);
    expect(toScreen(all, SIZE, { x: 0, y: 30_000 }).x).toBeCloseTo(28);
    expect(toScreen(all, SIZE, { x: 65_535, y: 0 }).x).toBeCloseTo(772);
    const one = overviewOf(points, SIZE, [2]);
    expect([one.x, one.y]).toEqual([30_000, 30_000]);
    expect(Number.isFinite(overviewOf(pointsOf([]), SIZE).scale)).toBe(true);
  });
});

describe("a region", () => {
  const grid = gridOf(MANY);

  test("is the same by the grid as by looking at every point", () => {
    const box = { left: 10_000, right: 30_123, top: 64_000, bottom: 65_535 };
    const expected = MANY.ids
      .map((_, i) => i)
      .filter((i) => {
        const [x, y] = [MANY.xs[i] as number, MANY.ys[i] as number];
        return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
      });
    expect(inRectangle(MANY, grid, box).sort((a, b) => a - b)).toEqual([...expected]);
    expect(expected.length).toBeGreaterThan(10);
    expect(inRectangle(MANY, grid, { left: -9e9, right: 9e9, top: -9e9, bottom: 9e9 })).toHaveLength(3000);
  });

  test("has the nearest point, if it is near enough", () => {
    const place = { x: 20_000, y: 20_000 };
    const [best] = byDistance(MANY, [...MANY.ids.keys()], place);
    expect(nearest(MANY, grid, place, 10_000)).toBe(best);
    expect(nearest(MANY, grid, place, 1)).toBeUndefined();
  });

  test("is what lies within a line, also where it is hollow", () => {
    const hollow = [
      { x: 0, y: 0 },
      { x: 100, y: 0 },
      { x: 100, y: 100 },
      { x: 50, y: 20 },
      { x: 0, y: 100 },
    ];
    expect(isInside(hollow, { x: 10, y: 50 })).toBe(true);
    expect(isInside(hollow, { x: 50, y: 60 })).toBe(false);
    expect(isInside(hollow, { x: -1, y: 50 })).toBe(false);
    const points = pointsOf([
      [10, 50],
      [50, 60],
      [90, 50],
    ]);
    expect(inLasso(points, gridOf(points), hollow)).toEqual([0, 2]);
    expect(inLasso(points, gridOf(points), hollow.slice(0, 2))).toEqual([]);
  });

  test("has a middle, and an order from there", () => {
    const points = pointsOf([
      [0, 0],
      [40, 0],
      [10, 0],
    ]);
    expect(middleOf(points, [0, 1])).toEqual({ x: 20, y: 0 });
    expect(byDistance(points, [0, 1, 2], { x: 1, y: 0 })).toEqual([0, 2, 1]);
  });
});

describe("the colours", () => {
  const places = Array.from({ length: 30 }, (_, i) => [i, i] as const);

  test("are those of the largest genres; others share one", () => {
    const genres = Uint32Array.from(places, (_, i) => (i < 3 ? 0 : i < 16 ? 1 + (i - 3) : 1));
    const { of, classes } = coloured(pointsOf(places, { genres }), "genre");
    expect(classes[of[20] as number]?.number).toBe(1);
    expect(classes[of[0] as number]?.words).toBe("unknown");
    expect(classes.find(({ words }) => words === "others")?.count).toBe(2);
    expect(classes.reduce((sum, { count }) => sum + count, 0)).toBe(30);
    expect(new Set(classes.slice(0, 11).map(({ colour }) => colour)).size).toBe(11);
  });

  test("are those of the most likely sound tags", () => {
    const soundTags = Uint8Array.from(places, (_, i) => (i < 3 ? 0 : i < 20 ? 7 : 9));
    const { of, classes } = coloured(pointsOf(places, { soundTags }), "sound");
    expect(classes.map(({ number, words, count }) => [number ?? words, count])).toEqual([
      [7, 17],
      [9, 10],
      ["others", 0],
      ["unknown", 3],
    ]);
    expect(classes[of[25] as number]?.number).toBe(9);
  });

  test.each([
    [1, "C · Am"],
    [22, "C · Am"], // A minor
    [8, "G · Em"],
    [17, "G · Em"],
    [6, "F · Dm"],
    [13, "E♭ · Cm"],
    [24, "D · Bm"],
    [12, "B · A♭m"],
    [21, "B · A♭m"],
  ])("put key %d with its relative: %s", (key, label) => {
    const { of, classes } = coloured(pointsOf([[0, 0]], { keys: Uint8Array.of(key) }), "key");
    expect(classes[of[0] as number]?.label).toBe(label);
  });

  test("are a ramp of decades and of tempos", () => {
    const years = Uint16Array.of(0, 1950, 1969, 1999, 2024);
    const points = pointsOf(places.slice(0, 5), { years, tempos: Uint8Array.of(0, 60, 95, 130, 250) });
    const labels = (by: "year" | "tempo") => {
      const { of, classes } = coloured(points, by);
      return [...of].map((place) => classes[place]?.label ?? classes[place]?.words);
    };
    expect(labels("year")).toEqual(["unknown", "< 1970", "< 1970", "1990–1999", "≥ 2020"]);
    expect(labels("tempo")).toEqual(["unknown", "< 90", "90–109", "130–149", "≥ 190"]);
  });
});

describe("names on the map", () => {
  test("stand where most tracks are, the larger ones first", () => {
    const artists = Uint32Array.of(1, 1, 1, 2, 2, 9);
    const points = pointsOf(
      [
        [100, 100],
        [300, 100],
        [60_000, 60_000],
        [30_000, 100],
        [30_100, 100],
        [5, 5],
      ],
      { artists },
    );
    const named = [
      { id: 2, name: "B" },
      { id: 1, name: "A" },
    ];
    const labels = labelsOf(spotsOf(points, gridOf(points)), { genres: [], artists: named });
    expect(labels.artist.map(({ name, x, y, count }) => [name, x, y, count])).toEqual([
      ["A", 200, 100, 3],
      ["B", 30_050, 100, 2],
    ]);
  });

  test("do not cover each other, and artists appear as one looks closer", () => {
    const label = (kind: "genre" | "artist", id: number, x: number) => ({
      kind,
      id,
      name: "Name",
      x,
      y: 32_768,
      count: 5,
    });
    const labels = {
      genre: [label("genre", 1, 32_768), label("genre", 2, 33_000)],
      artist: [label("artist", 3, 60_000)],
    };
    expect(visible(labels, WHOLE, SIZE, 1).map(({ id }) => id)).toEqual([1]);
    expect(visible(labels, WHOLE, SIZE, 3).map(({ id }) => id)).toEqual([1, 3]);
    const close = { x: 32_884, y: 32_768, scale: 1 };
    expect(visible(labels, close, SIZE, 20).map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe("painting", () => {
  const size = { width: 40, height: 30 };
  const points = pointsOf([
    [10, 10],
    [30, 20],
    [500, 500],
  ]);
  const camera = { x: 20, y: 15, scale: 1 };
  const look = {
    points,
    grid: gridOf(points),
    of: Uint8Array.of(0, 1, 0),
    colours: Uint32Array.of(0x0000ff, 0x00ff00),
    radius: 3,
  };
  const painted = (chosen?: ReadonlySet<number>) => {
    const pixels = new Uint32Array(size.width * size.height).fill(7);
    paint({ pixels, size }, camera, { ...look, chosen });
    return (x: number, y: number) => pixels[y * size.width + x];
  };

  test("puts discs of the colours where the points are, and nothing elsewhere", () => {
    const at = painted();
    expect([at(10, 10), at(30, 20), at(20, 15)]).toEqual([0xff0000ff, 0xff00ff00, 0]);
    expect(at(13, 10)).not.toBe(0);
    expect(at(15, 10)).toBe(0);
  });

  test("leaves faint what is not chosen", () => {
    const at = painted(new Set([1]));
    expect(at(30, 20)).toBe(0xff00ff00);
    expect((at(10, 10) ?? 0) >>> 24).toBeLessThan(80);
  });

  test.each([
    [0, 0],
    [13, 0],
    [-7, 0],
    [0, 9],
    [0, -11],
    [3, 5],
    [-20, 14],
    [17.4, -8.7],
    [-2.3, -0.4],
    [41, 0],
    [0, -40],
  ])("by %d and %d pixels away is the same as painting all anew", (dx, dy) => {
    const classes = Uint8Array.from(MANY.ids, (_, i) => i % 2);
    const many = { ...look, points: MANY, grid: gridOf(MANY), of: classes, radius: 2.5, chosen: new Set([5, 70, 900]) };
    const before = { x: 30_000, y: 34_000, scale: 0.004 };
    const after = panBy(before, dx, dy);
    const moved = { pixels: new Uint32Array(size.width * size.height), size };
    const anew = { pixels: new Uint32Array(size.width * size.height), size };
    paint(moved, before, many);
    paintMoved(moved, before, after, many);
    paint(anew, after, many);
    expect(anew.pixels.some((pixel) => pixel)).toBe(true);
    expect([...moved.pixels]).toEqual([...anew.pixels]);
  });

  test("has small points where there are many", () => {
    expect(radiusOf(100, 1)).toBeGreaterThan(radiusOf(100_000, 1));
    expect(radiusOf(100_000, 10)).toBeGreaterThan(radiusOf(100_000, 1));
  });
});
