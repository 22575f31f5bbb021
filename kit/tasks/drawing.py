"""``Drawing``: attributes drawn into images, with any values, again and again the same way."""

from dataclasses import dataclass

from torch import Tensor

from kit.datasets.attributes import ATTRIBUTES


@dataclass(frozen=True, eq=False)
class Drawing:
    """Colour images without attributes, and all that decides how they look with them."""

    attributes: tuple[str, ...]
    train_x: Tensor  # uint8 [N, 3, S, S]
    test_x: Tensor
    chosen: dict[tuple[str, str], Tensor]  # (part, attribute) -> what was drawn for each image
    aligned: Tensor  # int64 [N_test, k], values as correlated with the class as in training

    def train(self, values: Tensor) -> Tensor:
        return self._render("train", self.train_x, values)

    def test(self, values: Tensor) -> Tensor:
        return self._render("test", self.test_x, values)

    def boxes(self, part: str, attribute: str) -> Tensor | None:
        """Where the attribute is in the images of "train" or "test", bool ``[N, S, S]``."""
        box = ATTRIBUTES[attribute].box
        return None if box is None else box(self.train_x.shape[-1], self.chosen[part, attribute])

    def _render(self, part: str, images: Tensor, values: Tensor) -> Tensor:
        for name in filter(self.attributes.__contains__, ATTRIBUTES):  # signs on top of the light
            value = values[:, self.attributes.index(name)].bool()
            images = ATTRIBUTES[name].render(images, value, self.chosen[part, name])
        return images
