"""The words on buttons, in modals and beside the options of commands."""

REROLL = "Re-roll"
VARY = "Vary"
UPSCALE = "Upscale"
EDIT = "Edit prompt"
RECIPE = "Recipe"
STAR = "Star"
DELETE = "Delete"
CANCEL = "Cancel"
SHOW = "Show"
NO_STYLE = "none · No style"
NEWER = "Newer"
OLDER = "Older"
SAME_SEED = "Same seed"
EDIT_SHORT = "Edit"
USE_AS_SOURCE = "Use as source"
SHOW_RECIPE = "Show recipe"
DESCRIBE = "Describe"
DRAW = "Draw"
_DRAW_ONE = "Draw {number}"
NOT_NOW = "Not now"
OPEN_CELL = "Open one of these pictures"
OFFER = {"from": "Draw from it", "again": "Draw its recipe again"}
OFFER_SETTINGS_HINT = "Left empty or written as flags: --mode depth --size 16:9 --style ink"
OPEN = "Look at one, with its recipe and its family"
PARENT = "Parent"
GRANDPARENT = "Grandparent"
ITSELF = "This one"

EDIT_TITLE = "Edit and draw again"
EDIT_PROMPT = "Prompt"
EDIT_NEGATIVE = "What to keep out"
EDIT_SEED = "Seed"
EDIT_SEED_HINT = "A number or the name of a saved seed; leave it empty for a new one."
EDIT_SETTINGS = "Settings"
EDIT_SETTINGS_HINT = "Change a value, or add one, such as --style ink or --size 16:9."
EDIT_STRENGTH = "Strength"
EDIT_STRENGTH_HINT = "How far to leave the source picture: 0 keeps it, 1 ignores it."

SOURCE_TITLE = "Use as source"
SOURCE_PROMPT = "What should it become?"
SOURCE_STRENGTH_HINT = "How far to leave this picture: 0 keeps it, 1 ignores it; empty is the model's own."


def numbered(label: str, number: int) -> str:
    """A label for the button of one row among several."""
    return f"{number} · {label}"


def pick(number: int) -> str:
    """The button of one picture of several."""
    return str(number)


def draw(number: int) -> str:
    """The button that draws one of several prompts, by its number."""
    return _DRAW_ONE.format(number=number)


def closest(size: str, typed: str) -> str:
    """A size that can be drawn, in place of one that cannot."""
    return f"{size} (the closest to {typed})"


def child(number: int) -> str:
    """One of a picture's children, as its family's sheet counts them."""
    return f"Child {number}"


COMMANDS = {
    "imagine": "Draw a picture from words",
    "reroll": "Draw a recorded picture again",
    "vary": "Near neighbours of a picture",
    "upscale": "Make a picture larger",
    "outpaint": "Let a picture grow over its edge",
    "blend": "A picture between two pictures",
    "describe": "Prompts that describe a picture, or the one that it was drawn from",
    "compare": "One prompt drawn in several ways, side by side",
    "verify": "Was this picture made here?",
    "history": "Your pictures, newest first",
    "show": "One picture with its recipe",
    "queue": "What is being drawn, what waits, and how long it takes",
    "seed": "Seeds with names",
    "seed save": "Give a seed a name",
    "seed list": "Your saved seeds",
    "seed use": "Draw with a saved seed",
    "seed delete": "Forget a saved seed",
    "models": "The models that can draw here",
    "styles": "Ready-made looks, and what they look like",
    "settings": "What you always want: model, style, size and more",
    "mydata": "Everything that is kept about you",
    "mydata export": "A copy of everything that is kept about you, as a file",
    "mydata delete": "Delete everything that is kept about you",
    "server": "What moderators decide for this server",
    "server show": "Everything that holds in this server, and how to change it",
    "server channels": "The channels that pictures are drawn in",
    "server models": "The models that may draw, and the one for whoever names none",
    "server limits": "How many steps a picture may have, and how large it may be",
    "server words": "Words that are kept out of prompts",
    "server content": "What is covered or held back",
    "server role": "Which roles may draw, and how much",
    "server showcase": "The channel where starred pictures are posted",
    "server block": "Let a member draw no more, and cancel what of theirs waits",
    "server unblock": "Let a blocked member draw again",
    "server log": "Who set or did what, and when",
    "info": "What draws here, and what you may still spend",
    "help": "How to draw, with examples",
}

BACK = "Back"
MORE = "More"
HELP = {
    "start": "Start",
    "reply": "Reply",
    "further": "More of it",
    "seeds": "Seeds",
    "prompts": "Prompts",
    "limits": "Limits and privacy",
}
MYDATA = {"erase": "Delete everything", "keep": "Keep it"}
SETTINGS = {"look": "Model and look", "numbers": "Numbers and privacy", "reset": "Reset all"}
SETTINGS_LOOK = "Model and look"
SETTINGS_NUMBERS = "Numbers and privacy"
SETTINGS_FIELDS = {
    "model": ("Model", "Which model draws."),
    "style": ("Style", "A ready-made look; /styles shows them all."),
    "size": ("Size", "512x512, 16:9, square, portrait or landscape."),
    "scheduler": ("Scheduler", "By which method a picture is worked out."),
    "negative_prompt": ("What to keep out", "For every picture that says nothing else."),
    "steps": ("Steps", "More take longer, few give a rough picture."),
    "guidance": ("Guidance", "How closely to follow the prompt."),
    "count": ("Pictures", "How many come of one command."),
    "private": ("Private", "Whether only you see what your commands and buttons draw."),
}

OPTIONS = {
    "prompt": "What to draw, for instance: a red cat on the beach",
    "negative_prompt": "What to keep out of the picture",
    "model": "Which model draws it",
    "style": "A ready-made look, such as ink or watercolour; /styles shows them all",
    "size": "512x512, 16:9, square, portrait or landscape",
    "count": "How many pictures, each with a seed of its own",
    "image": "A picture to start from",
    "strength": "How far to leave that picture: 0 keeps it, 1 ignores it",
    "mask": "White is drawn anew, black is kept",
    "mode": "How the picture is used; auto decides by what you attach",
    "steps": "How carefully it is worked out: more steps take longer, few give a rough picture",
    "guidance": "How closely to follow the prompt",
    "scheduler": "By which method it is worked out: each gives a slightly different picture",
    "seed": "A number, or the name of a saved seed; the same seed gives the same picture",
    "private": "Only you see it",
}

HISTORY = {
    "search": "Words of a prompt, as typed or as drawn; the last one may be only begun",
    "starred": "Only what you starred",
    "member": "Somebody else's pictures, as far as you may see them",
    "model": "Only what this model drew",
}

COMPARE = {
    "prompt": OPTIONS["prompt"],
    "steps": "Several with commas between them: 10, 20, 30",
    "guidance": "Several with commas between them: 3, 7.5",
    "scheduler": "Several with commas between them: Euler, DDIM",
    "model": "Several models with commas between them",
    "seed": "Numbers or saved seeds with commas between them; left out, all pictures share one",
}

SERVER = {
    "default": "Draws for whoever names no model and has none in their own settings; none leaves it open",
    "steps": "Steps that a picture may have; 0 lifts the ceiling",
    "size": "Pixels that the longer side of a picture may have; 0 lifts the ceiling",
    "add": "Words with commas between them; fog* is every word that begins with fog",
    "remove": "Words to let in again, with commas between them",
    "flagged": "What happens to pictures that the content filter flags",
    "spoiler": "Whether every picture is covered until somebody looks",
    "role": "Whoever has it may draw; @everyone is a role too",
    "allowance": "Seconds of drawing time at once; left out, as whoever runs this bot has it",
    "per_hour": "Seconds of drawing time that come back in an hour; left out, as whoever runs this bot has it",
    "remove_role": "Take it off the list; without any role on it everybody may draw",
    "block": "Who may draw no more",
    "unblock": "Who may draw again",
    "reason": "Why; it is in /server show, and in what the member can export of their own data",
}
FLAGGED = {
    "operator": "As whoever runs this bot has it",
    "spoiler": "They are spoilers",
    "age-restricted": "They are shown in channels for adults only",
    "refuse": "Nobody gets them",
}
NO_DEFAULT = "none · Whatever whoever runs this bot has chosen"
LIFT = {"channels": "Every channel", "models": "All models", "showcase": "No showcase"}
RULE_MENUS = {"channels": "Channels", "models": "Models", "showcase": "A channel"}

VARY_AMOUNT = "How far from the picture: 0 is the picture itself, 1 another one; 0.3 if you leave it out"
UPSCALE_SCALE = "How many times as wide and as high, 1 to 4"
UPSCALE_PROMPT = "What the picture shows, for models that add detail"
OUTPAINT_DIRECTION = "Where to add to the picture"
PICTURE_IMAGE = "The picture; or give an id"
PICTURE_ID = "The id of a picture drawn here, such as abc or abc-2; or attach an image"
BLEND_FIRST = "The one picture"
BLEND_SECOND = "The other picture"
BLEND_AMOUNT = "How much of the other one: 0 is the first, 1 the second; 0.5 if you leave it out"
DESCRIBE_IMAGE = "The picture"
VERIFY_IMAGE = "The picture, as a file that was not changed since"
REROLL_ID = "The picture's id: it stands below the picture and is its file's name"
REROLL_SEED = "same: the same picture; new: another one"
SHOW_ID = REROLL_ID
SEED_SAVE_NAME = "What to call it, at most 40 characters"
SEED_SAVE_SEED = "A number, or the id of a picture whose seed you like"
SEED_NAME = "The name of a saved seed"
