/** Requests to the API, typed by its OpenAPI description (`schema.d.ts` is made from it). */
import { address } from "../base_path";
import { queryOf } from "./query";
import type { components, paths } from "./schema";

type Problem = components["schemas"]["Problem"];

type Method = "get" | "post" | "put" | "patch" | "delete";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Responses<O> = O extends { responses: infer R } ? R : never;
/** What an operation answers when it succeeds. */
export type Answer<P extends keyof paths, M extends Method> =
  Responses<Operation<P, M>> extends infer R
    ? { [S in keyof R & (200 | 201 | 202)]: Json<R[S]> }[keyof R & (200 | 201 | 202)]
    : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : Record<string, never>;
type PathParameters<O> = O extends { parameters: { path: infer P } } ? { path: P } : { path?: never };
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: never }
    ? { body?: never }
    : O extends { requestBody?: { content: { "application/json": infer B } } }
      ? { body?: NonNullable<B> }
      : { body?: never };
type Given<O> = PathParameters<O> &
  Body<O> & {
    query?: Partial<Query<O>>;
    /** A body that is no JSON. */
    blob?: Blob;
    signal?: AbortSignal;
    /** Whether the request outlives the page. */
    keepalive?: boolean;
    /** A status of failure whose body is an answer all the same. */
    accepts?: number;
  };
type Arguments<O> = Record<never, never> extends Given<O> ? [given?: Given<O>] : [given: Given<O>];

/** An answer that tells of a failure. `status` is 0 where no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterSeconds?: number,
    /** Why nothing can be saved, where that is the reason. */
    readonly code?: Problem["code"],
  ) {
    super(message);
  }
}

/** Return what a request has thrown as an `ApiError`. */
export function asApiError(problem: unknown): ApiError {
  return problem instanceof ApiError ? problem : new ApiError(0, String(problem));
}

/** Called when the API says that nobody has signed in. */
let whenSignedOut = (): void => {};

export function onSignedOut(action: () => void): void {
  whenSignedOut = action;
}

export const get = <P extends PathsWith<"get">>(path: P, ...given: Arguments<Operation<P, "get">>) =>
  request(path, "get", given[0]) as Promise<Answer<P, "get">>;
export const post = <P extends PathsWith<"post">>(path: P, ...given: Arguments<Operation<P, "post">>) =>
  request(path, "post", given[0]) as Promise<Answer<P, "post">>;
export const put = <P extends PathsWith<"put">>(path: P, ...given: Arguments<Operation<P, "put">>) =>
  request(path, "put", given[0]) as Promise<Answer<P, "put">>;
export const patch = <P extends PathsWith<"patch">>(path: P, ...given: Arguments<Operation<P, "patch">>) =>
  request(path, "patch", given[0]) as Promise<Answer<P, "patch">>;
export const remove = <P extends PathsWith<"delete">>(path: P, ...given: Arguments<Operation<P, "delete">>) =>
  request(path, "delete", given[0]) as Promise<Answer<P, "delete">>;

interface AnyGiven {
  path?: unknown;
  query?: unknown;
  body?: unknown;
  blob?: Blob;
  signal?: AbortSignal;
  keepalive?: boolean;
  accepts?: number;
}

async function request(path: string, method: Method, given: AnyGiven = {}): Promise<unknown> {
  const url = fill(path, given.path as Record<string, string | number> | undefined) + queryOf(given.query);
  const init: RequestInit = { method: method.toUpperCase(), headers: { Accept: "application/json" } };
  if (given.signal) init.signal = given.signal;
  if (given.keepalive) init.keepalive = true;
  if (given.body !== undefined) {
    init.headers = { ...init.headers, "Content-Type": "application/json" };
    init.body = JSON.stringify(given.body);
  } else if (given.blob) {
    init.headers = { ...init.headers, "Content-Type": "application/octet-stream" };
    init.body = given.blob;
  }
  let answer: Response;
  try {
    answer = await fetch(address(url), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "");
  }
  // Without this header a password was wrong, which the view says.
  if (answer.status === 401 && answer.headers.has("WWW-Authenticate")) whenSignedOut();
  if (!answer.ok && answer.status !== given.accepts) throw await failureOf(answer);
  return answer.status === 204 ? undefined : answer.json();
}

function fill(path: string, values: Record<string, string | number> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
}

async function failureOf(answer: Response): Promise<ApiError> {
  const seconds = Number(answer.headers.get("Retry-After")) || undefined;
  let reason = "";
  let code: Problem["code"];
  try {
    const { detail, ...more } = (await answer.json()) as Omit<Problem, "detail"> & { detail?: unknown };
    code = more.code;
    if (typeof detail === "string") reason = detail;
    else if (Array.isArray(detail)) reason = detail.map((one) => (one as { msg?: string }).msg ?? "").join("; ");
  } catch {
    // An answer of a proxy is no JSON.
  }
  return new ApiError(answer.status, reason, seconds, code);
}
