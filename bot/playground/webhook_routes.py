"""REST routes of interactions: the callback, and the messages behind an interaction's token."""

from .calls import Call, Json
from .interaction import Interaction
from .interactions import Interactions
from .rendering import Rendering
from .routing import Route


class WebhookRoutes:
    """Handlers take a Call and give the JSON of the answer; None is an answer without a body."""

    def __init__(self, interactions: Interactions, rendering: Rendering) -> None:
        self._interactions = interactions
        self._rendering = rendering

    def table(self) -> list[Route]:
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        return [
            ("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self.respond),
            ("POST", webhook, self.follow_up),
            ("GET", webhook + "/messages/@original", self.read),
            ("PATCH", webhook + "/messages/@original", self.edit),
            ("DELETE", webhook + "/messages/@original", self.delete),
            ("GET", webhook + "/messages/{message_id}", self.read),
            ("PATCH", webhook + "/messages/{message_id}", self.edit),
            ("DELETE", webhook + "/messages/{message_id}", self.delete),
        ]

    def respond(self, call: Call) -> Json | None:
        answer = self._interactions.respond(
            call.id("interaction_id"), call.path["interaction_token"], call.fields, call.files
        )
        return answer if call.query.get("with_response") in {"1", "true"} else None

    def follow_up(self, call: Call) -> Json:
        message = self._interactions.follow_up(self._interaction(call), call.fields, call.files)
        return self._rendering.message(message)

    def read(self, call: Call) -> Json:
        message = self._interactions.message(self._interaction(call), self._which(call))
        return self._rendering.message(message)

    def edit(self, call: Call) -> Json:
        message = self._interactions.edit(self._interaction(call), self._which(call), call.fields, call.files)
        return self._rendering.message(message)

    def delete(self, call: Call) -> None:
        self._interactions.delete(self._interaction(call), self._which(call))

    def _interaction(self, call: Call) -> Interaction:
        return self._interactions.by_token(call.id("webhook_id"), call.path["webhook_token"])

    def _which(self, call: Call) -> str:
        return call.path.get("message_id", "@original")
