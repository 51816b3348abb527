"""What the analysis of a track yields, for those who only store and compare it: no decoder, no numpy."""

VERSION = 2  # of the vector; raise it when a track's would come out otherwise

MELS = 64
BANDS = 8  # of the onset strength
CEPSTRA = 20
STEREO = 16
LAGS = 24
TEMPI = (0.4, 0.8, 1.3, 2, 3, 4.5, 6.5, 10, 16, 21)  # Hz, edges of the bands of modulation

GROUPS = {
    "level": 3,  # loudness, its deviation, its movement
    "crest": 1,  # peak over mean level: how hard it was compressed
    "spectrum": MELS // 2,  # long-term average, without the level
    "cepstrum": CEPSTRA,  # deviation of the timbre
    "movement": CEPSTRA,  # deviation of its change from frame to frame
    "width": STEREO,  # share of the sides in each band
    "width_change": STEREO,
    "flatness": 8,  # noise or tone in four bands, mean and deviation
    "onset": 2 * BANDS,  # strength of attacks in each band, mean and deviation
    "modulation": BANDS * (len(TEMPI) - 1),  # how fast each band beats
    "pulse": LAGS,  # autocorrelation of the attacks from 0.1 to 2 s
    "harmony": 6,  # intervals that sound together, in whatever key
}
SIZE = sum(GROUPS.values())

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MUSICAL_KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)
