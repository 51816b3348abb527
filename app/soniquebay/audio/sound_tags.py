"""The sound tags: fifty words, and how likely each is said of a track by the learned model.

They are not the tags of files. This module imports neither a decoder nor numpy, so the API can use it without loading
them.
"""

SOUND_TAGS_VERSION = 1  # raise it when the names, their order or the model change

# In the order of the model's outputs, spelled as in the Million Song Dataset, on which it was trained.
SOUND_TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz",
    "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow", "electronica",
    "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
