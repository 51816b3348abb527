import { expect, test } from "vitest";
import { queryOf } from "../src/api/query";
import { apiQuery, countFilters, readQuery, writeQuery } from "../src/views/albums/album_query";

const read = (text: string) => readQuery(Object.fromEntries(new URLSearchParams(text)));

test.each([
  "",
  "?sort=added",
  "?sort=added&order=asc",
  "?sort=random&seed=7",
  "?sort=year&order=desc&genre_id=3&year_from=1970&year_to=1979&format=FLAC&compilation=false",
  "?tag=hip-hop",
])("the address %s is written as it was read", (text) => {
  expect(queryOf(writeQuery(read(text)))).toBe(text);
});

test.each([
  "sort=nothing",
  "order=up",
  "genre_id=0",
  "genre_id=x",
  "year_from=-1",
  "year_to=20000",
  "compilation=1",
  "seed=5",
])("%s says nothing", (text) => {
  expect(read(text)).toEqual({ sort: "artist", order: "asc" });
});

test("a random order has a seed and no direction", () => {
  expect(apiQuery(read("sort=random&order=desc"))).toEqual({ sort: "random", order: "asc", seed: 0 });
});

test("filters are counted", () => {
  expect([
    countFilters(read("sort=year")),
    countFilters(read("year_from=1990&year_to=1999&compilation=false&tag=metal")),
  ]).toEqual([0, 4]);
});
