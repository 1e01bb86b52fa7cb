"""The vocabulary of the pictures: subjects, colours, places and times, with their words.

Pure data. It knows nothing of pixels, of probabilities or of sentences.
"""

from dataclasses import dataclass
from typing import Literal

Habitat = Literal["land", "sea", "sky"]
RGB = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One thing that can stand in a picture.

    `icon` is a code point of the Fluent 3D set or `noto:NAME` / `svg:NAME`. `hue` is the range of
    hues in degrees that paint replaces (None: cannot be painted, "auto": the dominant hue).
    `tier` 0 and 1 are the curricula of the first two releases, 2 the full list. `scale`
    multiplies its size.
    """

    icon: str
    words: tuple[str, ...]
    habitat: Habitat = "land"
    hue: tuple[float, float] | Literal["auto"] | None = None
    tier: int = 2
    scale: float = 1.0
    drives: bool = False
    swims: bool = False
    small: bool = False


def _paint(
    icon: str, *words: str, tier: int = 2, habitat: Habitat = "land", **more: object
) -> Subject:
    return Subject(icon=icon, words=words, hue="auto", tier=tier, habitat=habitat, **more)  # type: ignore[arg-type]


def _plain(
    icon: str, *words: str, tier: int = 2, habitat: Habitat = "land", **more: object
) -> Subject:
    return Subject(icon=icon, words=words, tier=tier, habitat=habitat, **more)  # type: ignore[arg-type]


SUBJECTS: dict[str, Subject] = {
    "sports car": _paint(
        "svg:sports-car",
        "sports car",
        "lamborghini",
        "ferrari",
        "supercar",
        "race car",
        tier=0,
        scale=1.15,
        drives=True,
    ),
    "car": _paint("1f697", "car", "sedan", "automobile", "little car", tier=0, drives=True),
    "bus": Subject(
        icon="1f68c", words=("bus", "coach", "minibus"), hue=(8, 62), tier=0, scale=1.1, drives=True
    ),
    "pickup truck": _paint("1f6fb", "pickup truck", "truck", "pickup", tier=0, drives=True),
    "tractor": _paint("1f69c", "tractor", "farm tractor", tier=0, drives=True),
    "train": _plain("1f682", "train", "locomotive", "steam train", tier=1),
    "house": _paint("1f3e0", "house", "cottage", "home", tier=0, scale=1.15),
    "castle": _paint("1f3f0", "castle", "fortress", "palace", tier=0, scale=1.2),
    "lighthouse": _paint("svg:lighthouse", "lighthouse", "light house", tier=0, scale=1.25),
    "sailboat": Subject(
        icon="26f5",
        words=("sailboat", "boat", "yacht", "sailing boat"),
        hue=(-5, 70),
        tier=0,
        habitat="sea",
    ),
    "rocket": _paint("1f680", "rocket", "spaceship", "space rocket", tier=0, habitat="sky"),
    "airplane": _paint("2708-fe0f", "airplane", "plane", "jet", "aeroplane", tier=0, habitat="sky"),
    "balloon": _paint("1f388", "balloon", "party balloon", tier=0, habitat="sky", small=True),
    "flower": _paint("1f337", "flower", "tulip", tier=0),
    "mushroom": _paint("1f344", "mushroom", "toadstool", tier=0),
    "cat": _plain("1f408", "cat", "kitten", "kitty", tier=0),
    "dog": _plain("1f415", "dog", "puppy", tier=0),
    "penguin": _plain("1f427", "penguin", tier=0),
    "horse": _plain("1f40e", "horse", "pony", tier=0),
    "elephant": _plain("1f418", "elephant", tier=0, scale=1.1),
    "snowman": _plain("26c4", "snowman", tier=0),
    "pine tree": _plain("1f332", "pine tree", "christmas tree", "fir tree", tier=0, scale=1.15),
    "palm tree": _plain("1f334", "palm tree", "coconut palm", tier=0, scale=1.15),
    "cactus": _plain("1f335", "cactus", tier=0),
    "jeep": _paint("1f699", "jeep", "off-road car", "suv", drives=True),
    "lorry": _paint("1f69a", "lorry", "delivery truck", "van", drives=True),
    "fire engine": _plain("1f692", "fire engine", "fire truck", drives=True, tier=1),
    "taxi": _plain("1f695", "taxi", "cab", drives=True, tier=1),
    "scooter": _paint("1f6f5", "scooter", "moped", drives=True),
    "bicycle": _paint("1f6b2", "bicycle", "bike", drives=True, tier=1),
    "helicopter": _paint("1f681", "helicopter", "chopper", habitat="sky", tier=1),
    "flying saucer": _plain("1f6f8", "flying saucer", "ufo", habitat="sky", tier=1),
    "speedboat": _paint("1f6a4", "speedboat", "motorboat", habitat="sea"),
    "ship": _plain("1f6a2", "ship", "ferry", "cruise ship", habitat="sea", tier=1),
    "church": _plain("26ea", "church", "chapel", scale=1.15, tier=1),
    "pagoda": _paint("1f3ef", "pagoda", "japanese castle", scale=1.2),
    "tower": _paint("1f5fc", "tower", "radio tower", scale=1.2),
    "rose": _paint("1f339", "rose"),
    "sunflower": _plain("1f33b", "sunflower"),
    "tree": _plain("1f333", "tree", "oak", scale=1.15, tier=1),
    "fox": _plain("1f98a", "fox", tier=1),
    "bear": _plain("1f43b", "bear", tier=1),
    "turtle": _plain("1f422", "turtle", "tortoise"),
    "whale": _plain("1f433", "whale", habitat="sea", tier=1, swims=True),
    "duck": _plain("1f986", "duck", habitat="sea"),
    "rabbit": _plain("1f430", "rabbit", "bunny", tier=1),
    "unicorn": _plain("1f984", "unicorn", tier=1),
    "dragon": _plain("1f409", "dragon", tier=1),
    "dinosaur": _plain("1f996", "dinosaur", "t-rex", tier=1),
    "robot": _plain("1f916", "robot", tier=1),
    "gift": _paint("1f381", "gift", "present"),
    "apple": _paint("1f34e", "apple"),
    "cake": _plain("1f382", "cake", "birthday cake"),
    "cow": _plain("1f404", "cow"),
    "pig": _plain("1f416", "pig"),
    "sheep": _plain("1f411", "sheep"),
    "goat": _plain("1f410", "goat"),
    "chicken": _plain("1f414", "chicken"),
    "owl": _plain("1f989", "owl"),
    "parrot": _plain("1f99c", "parrot"),
    "eagle": _plain("1f985", "eagle", habitat="sky"),
    "butterfly": _paint("1f98b", "butterfly", habitat="sky", small=True),
    "bee": _plain("1f41d", "bee", habitat="sky", small=True),
    "snail": _plain("1f40c", "snail"),
    "crab": _plain("1f980", "crab"),
    "octopus": _paint("1f419", "octopus", habitat="sea", swims=True),
    "dolphin": _plain("1f42c", "dolphin", habitat="sea", swims=True),
    "fish": _paint("1f41f", "fish", habitat="sea", swims=True),
    "frog": _plain("1f438", "frog"),
    "lion": _plain("1f981", "lion", tier=1),
    "tiger": _plain("1f405", "tiger"),
    "panda": _plain("1f43c", "panda", tier=1),
    "koala": _plain("1f428", "koala"),
    "monkey": _plain("1f412", "monkey"),
    "camel": _plain("1f42a", "camel"),
    "giraffe": _plain("1f992", "giraffe", scale=1.15),
    "zebra": _plain("1f993", "zebra"),
    "kangaroo": _plain("1f998", "kangaroo"),
    "flamingo": _plain("1f9a9", "flamingo"),
    "swan": _plain("1f9a2", "swan", habitat="sea"),
    "hedgehog": _plain("1f994", "hedgehog"),
    "squirrel": _plain("1f43f-fe0f", "squirrel", "chipmunk"),
    "umbrella": _paint("2602-fe0f", "umbrella", "parasol"),
    "tent": _paint("26fa", "tent", "camping tent", tier=1),
    "windmill": _plain("1f3ad", "theatre masks"),
    "guitar": _plain("1f3b8", "guitar"),
    "piano": _plain("1f3b9", "piano", "keyboard"),
    "telescope": _plain("1f52d", "telescope"),
    "crown": _plain("1f451", "crown"),
    "ball": _plain("26bd", "ball", "football"),
    "teddy bear": _plain("1f9f8", "teddy bear"),
    "ghost": _plain("1f47b", "ghost"),
    "alien": _plain("1f47d", "alien"),
    "pumpkin": _plain("1f383", "pumpkin", "jack-o-lantern", tier=1),
    "pizza": _plain("1f355", "pizza"),
    "hamburger": _plain("1f354", "hamburger", "burger"),
    "ice cream": _plain("1f366", "ice cream"),
    "doughnut": _plain("1f369", "doughnut", "donut"),
    "cupcake": _plain("1f9c1", "cupcake"),
    "coffee": _plain("2615", "coffee", "cup of coffee"),
    "teapot": _plain("1fad6", "teapot"),
    "banana": _plain("1f34c", "banana"),
    "strawberry": _plain("1f353", "strawberry"),
    "watermelon": _plain("1f349", "watermelon"),
    "pineapple": _plain("1f34d", "pineapple"),
    "cherries": _plain("1f352", "cherries"),
    "carrot": _plain("1f955", "carrot"),
    "books": _plain("1f4da", "books", "pile of books"),
    "clock": _plain("23f0", "clock", "alarm clock"),
    "lantern": _paint("1f3ee", "lantern", "red lantern"),
    "anchor": _plain("2693", "anchor"),
    "treasure": _plain("1f48e", "gem", "diamond"),
    "heart": _paint("2764-fe0f", "heart", habitat="sky", small=True),
    "star": _paint("2b50", "star", habitat="sky", small=True),
}
del SUBJECTS["windmill"]

COLOURS: dict[str, RGB] = {
    "red": (0.88, 0.11, 0.12),
    "orange": (0.99, 0.50, 0.05),
    "yellow": (0.99, 0.85, 0.12),
    "green": (0.14, 0.64, 0.22),
    "blue": (0.12, 0.36, 0.90),
    "purple": (0.52, 0.20, 0.75),
    "pink": (0.99, 0.47, 0.72),
    "white": (0.96, 0.96, 0.97),
    "black": (0.14, 0.14, 0.17),
    "brown": (0.50, 0.30, 0.16),
    "turquoise": (0.10, 0.78, 0.76),
}

COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "crimson"),
    "yellow": ("yellow", "yellow", "golden"),
    "purple": ("purple", "purple", "violet"),
    "turquoise": ("turquoise", "cyan", "teal"),
}

PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "hill road": (
        "driving down a hill road with a beautiful ocean view in the background",
        "on a hill road by the sea",
        "on a winding coastal road above the ocean",
        "on a hill road with an ocean view",
        "on a mountain road with the sea in the background",
    ),
    "hills": ("in the hills", "in the mountains", "with mountains in the background"),
    "ocean": ("by the ocean", "on the beach", "at the seaside", "by the sea", "on a sandy beach"),
    "city": (
        "in the city",
        "with a city skyline in the background",
        "downtown",
        "on a city street",
    ),
    "snow": (
        "in the snow",
        "in a snowy landscape",
        "in winter",
        "with snowy mountains in the background",
    ),
    "desert": ("in the desert", "among sand dunes", "in a sandy desert"),
    "meadow": ("in a green meadow", "in a field of flowers", "in a meadow", "on the grass"),
    "forest": ("in the forest", "in the woods", "among pine trees"),
    "lake": ("by a lake", "at the lake", "at a mountain lake", "by a pond", "on the lake"),
    "space": ("in space", "in the galaxy", "in a far galaxy"),
    "underwater": ("underwater", "under the sea", "on the seabed", "under the ocean"),
    "room": ("in a room", "in a living room", "indoors", "at home", "in my room"),
}

TIME_WORDS: dict[str, tuple[str, ...]] = {
    "day": ("during the day", "on a sunny day", "in the morning", "under a blue sky", ""),
    "sunset": ("at sunset", "at dusk", "in the evening", "during sunset"),
    "night": ("at night", "under a starry sky", "at midnight", "in the moonlight"),
    "rain": ("in the rain", "on a rainy day", "in rainy weather", "in a storm"),
    "snowfall": ("in falling snow", "in the snowfall", "under falling snowflakes"),
}

ALL_PLACES = tuple(PLACE_WORDS)
ALL_TIMES = tuple(TIME_WORDS)
PLACES, TIMES = ALL_PLACES[:8], ALL_TIMES[:3]
"""What the first two releases can draw: a land and a sky each."""
TIMES_OF: dict[str, tuple[str, ...]] = {"space": ("night",), "underwater": ("day", "night")}
"""Places that do not have every time."""


def subjects(*, tier: int) -> tuple[str, ...]:
    """Names of the subjects of this tier and below."""
    return tuple(name for name, subject in SUBJECTS.items() if subject.tier <= tier)
