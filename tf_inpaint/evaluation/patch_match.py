"""PatchMatch: holes filled with patches of the known part of the picture, in plain NumPy.

As in image editors: from coarse to fine, the best-matching known patch is searched for each patch that overlaps the hole, and the
overlapping patches vote for the pixels of the hole; both in turn. The search is PatchMatch's, all patches at once instead of one after the
other: matches of neighbours in growing steps (jump flooding) and random ones in shrinking windows.
"""

import dataclasses

import cv2
import numpy as np

from tf_inpaint.evaluation.pyramid import build_pyramid

PATCH_SIZE = 7
"""Side of the patches in pixels."""

# Patches are compared by this many principal components of the known ones: a fifth of the numbers, and as good in the result.
_COMPONENTS = 24
_MAX_PATCHES_FOR_COMPONENTS = 20_000
_PATCHES_AT_ONCE = 50_000
_JUMPS = (8, 4, 2, 1)
_MAX_PASSES = 4
_MAX_ROUNDS = 9
# The coarsest level has at least this side: enough patches to choose from.
_MIN_SIDE = 3 * PATCH_SIZE
# A vote loses this factor for each pixel between the middle of its patch and the known part (Wexler, Shechtman, Irani 2007).
_CONFIDENCE = 1.3


def patch_match(image: np.ndarray, mask: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Fills the hole with patches of the known part of the picture.

    Seconds for a picture of 256 pixels; time and memory grow with the number of pixels. Where no whole patch is known the hole takes
    smooth colours.

    Args:
        image: uint8 `[H, W, 3]`; what it holds in the hole has no influence.
        mask: uint8 `[H, W]`, 255 in the hole.
        seed: of the random search; the same seed gives the same picture.

    Returns:
        uint8 `[H, W, 3]`, equal to `image` outside the hole.

    Source: Barnes, Shechtman, Finkelstein, Goldman 2009, "PatchMatch"; Wexler, Shechtman, Irani 2007, "Space-time completion of video",
    for levels, rounds and votes. Differs: patches are compared by principal components of their colours; all are matched at once;
    only patches of the picture vote, not also those that the known part would like to see in the hole.
    """
    hole = mask > 0
    if not hole.any():
        return image.copy()
    random = np.random.RandomState(seed)
    levels = build_pyramid(image.astype(np.float32), hole, min_side=_MIN_SIDE)
    target, matches = _smooth(*levels[-1]), None
    for number in range(len(levels) - 1, -1, -1):
        picture, level_hole = levels[number]
        if target.shape != picture.shape:
            target = _enlarge(target, picture.shape[:2])
        target = np.where(level_hole[..., np.newaxis], target, picture)
        level = _Level.make(picture, level_hole)
        if level is None:
            matches = None
            continue
        matches = level.start(matches, random)
        level.vote(target, matches)
        for _ in range(min(_MAX_ROUNDS, 3 + 2 * number)):
            level.search(target, matches, random, passes=min(_MAX_PASSES, 1 + number))
            level.vote(target, matches)
    filled = np.clip(np.rint(target), 0, 255).astype(np.uint8)
    return np.where(hole[..., np.newaxis], filled, image)


@dataclasses.dataclass(eq=False)
class _Matches:
    """For the patch at each place (of its top left pixel) the place of the known patch that fits best, `[h, w]` each.

    `cost` is the squared difference; infinite where the match is only a guess.
    """

    y: np.ndarray
    x: np.ndarray
    cost: np.ndarray


class _Level:
    """A level's known patches, and the patches to match: those that overlap the hole."""

    def __init__(self, picture: np.ndarray, hole: np.ndarray):
        self._patches = _windows(picture)
        self._is_known = ~_windows(hole).any(axis=(-2, -1))
        self._picture, self._hole = picture, hole
        self._known = np.nonzero(self._is_known)
        self._wanted = np.nonzero(~self._is_known)
        step = max(1, len(self._known[0]) // _MAX_PATCHES_FOR_COMPONENTS)
        sample = self._patches[self._known[0][::step], self._known[1][::step]].reshape(-1, 3 * PATCH_SIZE**2)
        _, vectors = np.linalg.eigh(np.cov(sample, rowvar=False))
        self._basis = vectors[:, -_COMPONENTS:].astype(np.float32)
        self._known_features = np.zeros([*self._is_known.shape, _COMPONENTS], np.float32)
        self._known_features[self._known] = self._features(self._patches, self._known)
        distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        middle = PATCH_SIZE // 2
        self._confidence = _CONFIDENCE ** -distance[self._wanted[0] + middle, self._wanted[1] + middle]

    @classmethod
    def make(cls, picture: np.ndarray, hole: np.ndarray) -> "_Level | None":
        """A level, or `None` where fewer patches are known than it takes to compare them."""
        if min(hole.shape) < PATCH_SIZE or np.count_nonzero(~_windows(hole).any(axis=(-2, -1))) < 2:
            return None
        return cls(picture, hole)

    def start(self, coarse: _Matches | None, random: np.random.RandomState) -> _Matches:
        """Twice the coarse matches, and random ones where there are none or they are not known here."""
        places = np.indices(self._is_known.shape)
        y, x = places
        cost = np.full(y.shape, np.inf, np.float32)
        if coarse is not None:
            middle = PATCH_SIZE // 2
            coarse_y, coarse_x = (
                np.clip((place + middle) // 2 - middle, 0, length - 1) for place, length in zip(places, coarse.y.shape, strict=True)
            )
            y = 2 * (coarse.y[coarse_y, coarse_x] + middle) + (y + middle) % 2 - middle
            x = 2 * (coarse.x[coarse_y, coarse_x] + middle) + (x + middle) % 2 - middle
            cost = coarse.cost[coarse_y, coarse_x]
        is_usable = self._are_known(y, x)
        choice = random.randint(len(self._known[0]), size=y.shape)
        y, x = (np.where(is_usable, found, known[choice]) for found, known in zip((y, x), self._known, strict=True))
        return _Matches(y, x, np.where(is_usable, cost, np.float32(np.inf)))

    def search(self, target: np.ndarray, matches: _Matches, random: np.random.RandomState, *, passes: int) -> None:
        """Improves the matches for the present content of the hole."""
        features = self._features(_windows(target), self._wanted)
        wanted_y, wanted_x = self._wanted
        y, x = matches.y[self._wanted], matches.x[self._wanted]
        cost = np.sum((self._known_features[y, x] - features) ** 2, axis=1)

        def propose(new_y, new_x):
            candidates = np.nonzero(self._are_known(new_y, new_x))[0]
            new_y, new_x = new_y[candidates], new_x[candidates]
            difference = self._known_features[new_y, new_x] - features[candidates]
            new_cost = np.einsum("ij,ij->i", difference, difference)
            better = new_cost < cost[candidates]
            places = candidates[better]
            y[places], x[places], cost[places] = new_y[better], new_x[better], new_cost[better]
            matches.y[wanted_y[places], wanted_x[places]] = y[places]
            matches.x[wanted_y[places], wanted_x[places]] = x[places]

        height, width = self._is_known.shape
        for _ in range(passes):
            for jump in _JUMPS:
                for step_y, step_x in ((-jump, 0), (0, -jump), (jump, 0), (0, jump)):
                    near_y, near_x = np.clip(wanted_y + step_y, 0, height - 1), np.clip(wanted_x + step_x, 0, width - 1)
                    propose(matches.y[near_y, near_x] - (near_y - wanted_y), matches.x[near_y, near_x] - (near_x - wanted_x))
            radius = max(height, width)
            while radius >= 1:
                moves = random.randint(-radius, radius + 1, size=(2, len(y)))
                propose(y + moves[0], x + moves[1])
                radius //= 2
        matches.cost[self._wanted] = cost

    def vote(self, target: np.ndarray, matches: _Matches) -> None:
        """Gives each pixel of the hole the weighted mean of what the patches over it want to see there."""
        cost = matches.cost[self._wanted]
        spread = np.percentile(cost[np.isfinite(cost)], 75) if np.isfinite(cost).any() else 0.0
        # The least weight keeps pixels over which no patch fits from being left out.
        weights = self._confidence * (np.exp(-cost / (spread + 1.0)) + 1e-6)
        votes = np.zeros([*target.shape[:2], 4])
        ballot = np.dstack([self._picture, np.ones(target.shape[:2])])
        y, x = matches.y[self._wanted], matches.x[self._wanted]
        for offset_y, offset_x in np.ndindex(PATCH_SIZE, PATCH_SIZE):
            pixels = self._wanted[0] + offset_y, self._wanted[1] + offset_x
            votes[pixels] += weights[:, np.newaxis] * ballot[y + offset_y, x + offset_x]
        voted = self._hole & (votes[..., 3] > 0)
        target[voted] = votes[voted][:, :3] / votes[voted][:, 3:]

    def _are_known(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        height, width = self._is_known.shape
        is_inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        return is_inside & self._is_known[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]

    def _features(self, patches: np.ndarray, places: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        parts = [np.zeros([0, _COMPONENTS], np.float32)]
        for start in range(0, len(places[0]), _PATCHES_AT_ONCE):
            y, x = (each[start : start + _PATCHES_AT_ONCE] for each in places)
            parts.append(patches[y, x].reshape(len(y), -1) @ self._basis)
        return np.concatenate(parts)


def _windows(array: np.ndarray) -> np.ndarray:
    """`[H, W, ...]` -> `[H - 6, W - 6, ..., 7, 7]`, without a copy."""
    return np.lib.stride_tricks.sliding_window_view(array, (PATCH_SIZE, PATCH_SIZE), axis=(0, 1))


def _smooth(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fills a hole with the colours of ever coarser levels."""
    levels = build_pyramid(picture, hole, min_side=1)
    target = np.full_like(levels[-1][0], 127.5)  # where nothing is known at all
    for picture, hole in reversed(levels):
        target = np.where(hole[..., np.newaxis], _enlarge(target, hole.shape), picture)
    return target


def _enlarge(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR)
