"""Recipes that several methods share."""

from kit.training import Recipe


def constant_rate(
    epochs: int, lr: float, batch_size: int, optimizer: str = "sgd", **changes
) -> Recipe:
    """A plain recipe to continue training with: a constant rate, hard labels, no augmentation.

    SGD with momentum 0.9 and weight decay 5e-4, or Adam without weight decay.
    """
    decay = {"weight_decay": 0.0} if optimizer == "adam" else {}
    settings = {"schedule": "constant", "label_smoothing": 0.0} | decay | changes
    return Recipe(epochs=epochs, lr=lr, batch_size=batch_size, optimizer=optimizer, **settings)
