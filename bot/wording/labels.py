"""The words on buttons, in modals and beside the options of commands."""

REROLL = "Re-roll"
EDIT = "Edit prompt"
RECIPE = "Recipe"
STAR = "Star"
DELETE = "Delete"
CANCEL = "Cancel"
SHOW = "Show"
NEWEST = "Newest"
OLDER = "Older"

EDIT_TITLE = "Edit and draw again"
EDIT_PROMPT = "Prompt"
EDIT_NEGATIVE = "What to keep out"
EDIT_SEED = "Seed"
EDIT_SEED_HINT = "A number or the name of a saved seed; leave it empty for a new one."
EDIT_STRENGTH = "Strength"
EDIT_STRENGTH_HINT = "How far to leave the source picture: 0 keeps it, 1 ignores it."


def numbered(label: str, number: int) -> str:
    """A label for the button of one row among several."""
    return f"{number} · {label}"


COMMANDS = {
    "imagine": "Draw a picture from words",
    "reroll": "Draw a recorded picture again",
    "history": "Your pictures, newest first",
    "show": "One picture with its recipe",
    "queue": "What is being drawn, what waits, and how long it takes",
    "seed": "Seeds with names",
    "seed save": "Give a seed a name",
    "seed list": "Your saved seeds",
    "seed use": "Draw with a saved seed",
    "seed delete": "Forget a saved seed",
    "info": "What draws here, and what you may still spend",
    "help": "How to draw, with examples",
}

OPTIONS = {
    "prompt": "What to draw, for instance: a red cat on the beach",
    "negative_prompt": "What to keep out of the picture",
    "model": "Which model draws it",
    "size": "512x512, 16:9, square, portrait or landscape",
    "count": "How many pictures, each with a seed of its own",
    "image": "A picture to start from",
    "strength": "How far to leave that picture: 0 keeps it, 1 ignores it",
    "steps": "How carefully it is worked out: more steps take longer, few give a rough picture",
    "guidance": "How closely to follow the prompt",
    "scheduler": "By which method it is worked out: each gives a slightly different picture",
    "seed": "A number, or the name of a saved seed; the same seed gives the same picture",
    "private": "Only you see it",
}

REROLL_ID = "The picture's id: it stands below the picture and is its file's name"
REROLL_SEED = "same: the same picture; new: another one"
SHOW_ID = REROLL_ID
SEED_SAVE_NAME = "What to call it, at most 40 characters"
SEED_SAVE_SEED = "A number, or the id of a picture whose seed you like"
SEED_NAME = "The name of a saved seed"
