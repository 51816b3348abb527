/** The API's models by the names that the views use. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Album = Schemas["Album"];
export type Artist = Schemas["Artist"];
export type Credit = Schemas["Credit"];
export type Entry = Schemas["Entry"];
export type Failure = Schemas["Failure"];
export type FullAlbum = Schemas["FullAlbum"];
export type FullArtist = Schemas["FullArtist"];
export type FullTrack = Schemas["FullTrack"];
export type Genre = Schemas["Genre"];
export type Marks = Schemas["Marks"];
export type Playlist = Schemas["Playlist"];
export type Progress = Schemas["Progress"];
export type ReplayGain = Schemas["ReplayGain"];
export type Track = Schemas["Track"];
export type User = Schemas["User"];

// machine and settings
export type AppPassword = Schemas["AppPassword"];
export type Backups = Schemas["Backups"];
export type BackupState = Schemas["BackupState"];
export type Drive = Schemas["Drive"];
export type Duplicates = Schemas["Duplicates"];
export type DuplicateTrack = Schemas["DuplicateTrack"];
export type Explanation = Schemas["Explanation"];
export type Health = Schemas["Health"];
export type JoinCode = Schemas["JoinCode"];
export type LogLine = Schemas["LogLine"];
export type Machine = Schemas["Machine"];
export type MadeAppPassword = Schemas["MadeAppPassword"];
export type OfferedRelease = Schemas["OfferedRelease"];
export type PastUpgrade = Schemas["PastUpgrade"];
export type ProcessChange = Schemas["ProcessChange"];
export type RemoteWorker = Schemas["RemoteWorker"];
export type ScrobblingAccount = Schemas["ScrobblingAccount"];
export type SystemUpdates = Schemas["SystemUpdates"];
export type Updates = Schemas["Updates"];
export type WebSession = Schemas["WebSession"];
