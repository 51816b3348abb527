/** English, and the list of all messages. `{name}` is a value; `one` and `other` are plural forms of `count`. */
export const en = {
  // the frame of the page
  "app.name": "SoniqueBay",
  "app.skip": "Skip to the content",
  "app.disconnected": "SoniqueBay does not answer. Trying again …",
  "app.menu": "Main menu",
  "app.more": "More",
  "nav.home": "Home",
  "nav.albums": "Albums",
  "nav.artists": "Artists",
  "nav.genres": "Genres",
  "nav.folders": "Folders",
  "nav.queue": "Queue",
  "nav.map": "Map",
  "nav.playlists": "Playlists",
  "nav.machine": "Machine",
  "nav.search": "Search",
  "nav.settings": "Settings",

  // what several views say
  "list.loading": "Loading …",
  "list.empty": "Nothing here yet.",
  "list.retry": "Try again",
  "error.network": "SoniqueBay does not answer.",
  "error.missing": "This is not in the library (any more).",
  "error.page": "There is no page at this address.",
  "count.albums": { one: "{count} album", other: "{count} albums" },
  "count.tracks": { one: "{count} track", other: "{count} tracks" },
  "action.play": "Play",
  "action.playItem": "Play {title}",
  "action.pause": "Pause",
  "action.shuffle": "Shuffle",
  "action.close": "Close",

  // home
  "home.welcome": "Good to hear you",
  "home.recent": "Recently added",
  "home.random": "Something else",
  "home.mostPlayed": "Most played",
} as const satisfies Record<string, Message>;

export type Message = string | { readonly one: string; readonly other: string };
export type MessageName = keyof typeof en;
/** All messages in another language. */
export type Messages = {
  readonly [N in MessageName]: (typeof en)[N] extends string
    ? string
    : { readonly one: string; readonly other: string };
};
