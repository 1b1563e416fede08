"""What all systems have in common: networks, optimizers, one gradient step, inpainting."""

import abc
import math

import keras
import tensorflow as tf

from tf_inpaint import compat, metrics, ops
from tf_inpaint import masks as mask_generators
from tf_inpaint.errors import ConfigError, PictureError, WeightsError
from tf_inpaint.masks import MaskGenerator
from tf_inpaint.systems.averaging import WeightAverage
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.learning_rate import LearningRate
from tf_inpaint.systems.verification import Verification


class InpaintingSystem(keras.Model):
    """A published system: its networks, its training step and its way to repair a picture.

    Subclasses name their `Config` class and what stands below it, build their networks in `__init__` and hand them to `_set_networks`,
    and write out `call`, `train_step` and `test_step` in full.

    Class attributes:
        KEY: name in `SYSTEMS`.
        STAGES: parts of the training that `compile` can prepare, in their order.
        DEFAULT_STAGE: the one that `compile()` prepares; `None` for the first.
        PREDECESSORS: stage -> the stage that is trained before it, whose weights it starts from. `tf-inpaint train` keeps the stages of
            such a system in one run folder, each in its own sub-folder; without entries a run has no stages.
        STAGE_WEIGHTS: stage -> names of the settings that weigh its losses; stages that are not named use all of the system's.
        GENERATORS: the networks that inpainting needs, stored with the weights, averaged.
        VERIFIERS: other networks stored with the weights, as they are: critics that judge results, or go on learning in a later stage.
        LOGS: all that the steps report.
        ABLATIONS: name -> settings that are switched: the variants that `tf-inpaint ablate` trains. The first is the unchanged system.

    The system's own dtype policy is float32 whatever the global policy: its inputs, outputs, composites and losses stay float32, only the
    networks compute in half precision under "mixed_bfloat16" and "mixed_float16".

    Args:
        config: settings; `None` for the paper's.
        name: name of the model; `None` for the system's key.

    Attributes:
        config: the settings.
        size_multiple: H and W of what the networks see are multiples of this.
        average: `WeightAverage` of the generators after `compile`, or `None`.
    """

    Config = SystemConfig
    KEY = ""
    STAGES = ("joint",)
    DEFAULT_STAGE = None
    PREDECESSORS = {}
    STAGE_WEIGHTS = {}
    GENERATORS = ()
    VERIFIERS = ()
    LOGS = ("loss",)
    ABLATIONS = {}
    size_multiple = 1

    def __init__(self, config: SystemConfig | None = None, *, name: str | None = None):
        super().__init__(dtype="float32", name=name or self.KEY)
        self.config = self.Config() if config is None else config
        if not isinstance(self.config, self.Config):
            raise ConfigError(f"{type(self).__name__} takes a {self.Config.__name__}. Received: {type(self.config).__name__}.")
        self._network_names = ()
        # Optimizers and averages hang on a plain object: Keras would count them among the weights, each stack in its own way.
        self._training = _TrainingState()

    @classmethod
    @abc.abstractmethod
    def tiny(cls, **overrides) -> "InpaintingSystem":
        """Builds the same system, narrow and small, for tests.

        Args:
            **overrides: settings that differ from those of the tiny system.

        Returns:
            A system with all its parts that trains a step in a fraction of a second.
        """

    @classmethod
    def stage_or_default(cls, stage: str | None) -> str:
        """Returns the stage that is meant: `DEFAULT_STAGE` where none is named.

        Args:
            stage: one of `STAGES`, or `None`.

        Raises:
            ConfigError: if the system has no such stage.
        """
        if stage is None:
            return cls.DEFAULT_STAGE or cls.STAGES[0]
        if stage not in cls.STAGES:
            raise ConfigError(f"{cls.KEY} has no stage {stage!r}. Available: {', '.join(cls.STAGES)}.")
        return stage

    @property
    def stage(self) -> str | None:
        """The part of the system that `compile` prepared for training, one of `STAGES`; `None` before."""
        return self._training.stage

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The built functional models by name, in the order of the paper."""
        return {name: getattr(self, f"{name}_network") for name in self._network_names}

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """The optimizers by name, after `compile`; empty before."""
        return dict(self._training.optimizers)

    @property
    def average(self) -> WeightAverage | None:
        """The averaged generator weights, after `compile`."""
        return self._training.average

    @property
    def nonfinite_gradients(self) -> dict[str, tf.Variable]:
        """For each optimizer a scalar float32: its latest steps in a row whose gradients were not finite; 0 is good."""
        return dict(self._training.nonfinite_gradients)

    @property
    def generator_weights(self) -> list:
        """The weights that inpainting needs, trainable or not, of the networks that the stage computes with."""
        return [weight for name in self.GENERATORS if name in self.active_networks for weight in self.networks[name].weights]

    @property
    def active_networks(self) -> tuple[str, ...]:
        """The networks that the stage computes with: all, but in systems whose early stages leave some alone until their time comes."""
        return self._network_names

    @property
    def num_parameters(self) -> int:
        """How many trained numbers inpainting needs."""
        layers = [layer for name in self.GENERATORS for layer in self.networks[name].layers]
        return sum(math.prod(weight.shape) for layer in layers for weight in layer.trainable_weights)

    @property
    def steps_taken(self) -> tf.Tensor:
        """Scalar int64: training steps so far, in `fit` or in a bare loop, restored with a checkpoint."""
        return tf.convert_to_tensor(self._training.optimizers["generator"].iterations)

    @property
    def verification(self) -> Verification | None:
        """What scores and judges the results; `None` where a system cannot tell its good results from bad ones."""
        return None

    @property
    def extras(self) -> dict:
        """JSON values that are stored with the weights and loaded with them, such as measured thresholds; empty where there are none."""
        verification = self.verification
        return {"verification": verification.to_dict()} if verification is not None and verification.thresholds is not None else {}

    def set_extras(self, extras: dict) -> None:
        """Takes over what was stored with the weights.

        Args:
            extras: as `extras` of a system of this class had it; empty for none.

        Raises:
            WeightsError: if the system does not know an entry, or cannot use it.
        """
        known = {"verification"} if self.verification is not None else set()
        if unknown := sorted(set(extras) - known):
            raise WeightsError(f"{self.KEY} does not know what to do with {', '.join(map(repr, unknown))}, stored with its weights.")
        if self.verification is not None:
            self.verification.restore(extras.get("verification", {}))

    def _set_networks(self, **networks):
        self._network_names = tuple(networks)
        for name, network in networks.items():
            setattr(self, f"{name}_network", network)
        self.built = True

    def compile(self, *, stage: str | None = None, masks: str | MaskGenerator | None = None, **kwargs) -> None:
        """Prepares training: builds the optimizers with all their variables, the averages and the loss trackers; forgets `extras`.

        Args:
            stage: one of `STAGES`, the part of the system to train; `None` for `DEFAULT_STAGE`. Whether an earlier stage was trained
                before is not looked at: that is the train command's business.
            masks: where batches bring a "mask_seed" instead of a "mask" (a data set with `masks_on="step"`): the source of
                the masks, a text as in `masks.parse` or its result. `None`: "free_form".
            **kwargs: further arguments of `keras.Model.compile`, such as `run_eagerly`.

        Raises:
            ConfigError: if the stage is not one of this system's, or the text of the masks is wrong.
        """
        self._training.stage = self.stage_or_default(stage)
        self.set_extras({})  # what was measured does not hold for the weights that training makes
        self._training.masks = mask_generators.parse("free_form" if masks is None else masks)
        self._training.optimizers = self._build_optimizers()
        self._training.nonfinite_gradients = {
            # The mean over replicas is above 0 if any of them met one.
            name: tf.Variable(0.0, trainable=False, name=f"nonfinite_{name}", aggregation=tf.VariableAggregation.MEAN)
            for name in self._training.optimizers
        }
        momentum = self.config.average_momentum
        self._training.average = WeightAverage(self.generator_weights, momentum=momentum) if momentum else None
        # Made here and not at the first step: a `tf.function` that makes variables is traced twice.
        self._training.trackers = {name: keras.metrics.Mean(name=name, dtype="float32") for name in self.LOGS}
        # `jit_compile`: XLA would replace oneDNN's convolutions on a CPU by its own, many times slower ones.
        super().compile(**{"optimizer": self._training.optimizers["generator"], "jit_compile": False, **kwargs})

    @abc.abstractmethod
    def _build_optimizers(self) -> dict:
        """Returns name -> optimizer, built; the one called "generator" counts the steps."""

    def _adam(self, variables, *, learning_rate=None, betas=None, epsilon=1e-7):
        """Builds Adam as the configuration says, wrapped for loss scaling where the networks compute in float16.

        `learning_rate` is the peak of the schedule, `betas` the two decay rates; `None` for the configured ones. Keras' epsilon is 1e-7,
        PyTorch's 1e-8.
        """
        config = self.config
        beta_1, beta_2 = (config.beta_1, config.beta_2) if betas is None else betas
        rate = config.learning_rate if learning_rate is None else learning_rate
        names = ("warmup_steps", "decay_steps", "drop_steps", "steady_steps")
        schedule = {name: getattr(config, f"learning_rate_{name}") for name in names}
        if any(schedule.values()):
            rate = LearningRate(rate, **schedule)
        clip = config.gradient_clip_norm or None
        optimizer = keras.optimizers.Adam(rate, beta_1, beta_2, epsilon, global_clipnorm=clip)
        # The networks keep the policy under which they were built, whatever the global one is by now.
        if any(layer.compute_dtype == "float16" for network in self.networks.values() for layer in network.layers):
            optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizer.build(variables)
        return optimizer

    def minimize(self, name: str, tape: tf.GradientTape, loss: tf.Tensor, variables: list) -> None:
        """Applies the gradient of a loss: the one place that knows replicas, loss scaling and gradient checks.

        Args:
            name: of the optimizer in `optimizers`.
            tape: the tape that recorded the loss, no longer recording.
            loss: scalar float32, mean over the replica's batch.
            variables: the variables to move; each must have a gradient.

        Raises:
            ValueError: if a variable has no gradient, naming it: its loss does not reach it.
        """
        optimizer = self._training.optimizers[name]
        with tape:
            # Optimizers sum over replicas, the losses are means.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            objective = compat.scale_loss(optimizer, loss / replicas if replicas > 1 else loss)
        gradients = tape.gradient(objective, variables)
        missing = [variable.name for variable, gradient in zip(variables, gradients, strict=True) if gradient is None]
        if missing:
            raise ValueError(f"The {name} loss gives no gradient to {', '.join(missing)}. Is its path cut?")
        gradients = compat.unscale_gradients(optimizer, gradients)
        nonfinite = self._training.nonfinite_gradients[name]
        is_finite = tf.math.is_finite(tf.linalg.global_norm(gradients))
        nonfinite.assign(tf.where(is_finite, 0.0, nonfinite + 1.0))
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    def track(self, *, num_examples: tf.Tensor | int = 1, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Adds values to their running means.

        Args:
            num_examples: weight of the values: the size of their batch, so that a small last batch counts by its pictures.
            **values: name of `LOGS` -> scalar.

        Returns:
            name -> mean since the last `reset_metrics`, what `train_step` and `test_step` return.
        """
        trackers = self._training.trackers
        for name, value in values.items():
            trackers[name].update_state(value, sample_weight=num_examples)
        return {name: trackers[name].result() for name in values}

    @property
    def metrics(self) -> list:
        """The running means that `fit` resets at the start of each epoch."""
        return list(self._training.trackers.values())

    def with_masks(self, batch: dict) -> dict:
        """Completes a training batch whose masks are left to the step.

        Args:
            batch: `{"image": [B, H, W, 3]}` with "mask" `[B, H, W, 1]`, or with "mask_seed" `[B, 2]` int32.

        Returns:
            The batch with a "mask"; the same bits as if the data set had made it.

        Raises:
            ValueError: if there is neither.
        """
        if "mask" in batch:
            return batch
        if "mask_seed" not in batch:
            raise ValueError(
                f"A batch needs 'image' and 'mask' (or 'mask_seed'). Received the keys: {sorted(batch)}. Make it with "
                "`tf_inpaint.data.dataset`."
            )
        shape = tf.shape(batch["image"])
        height, width = batch["image"].shape[1:3]
        mask = self._training.masks.per_example(
            batch["mask_seed"], height=shape[1] if height is None else height, width=shape[2] if width is None else width
        )
        return {**batch, "mask": mask}

    def predict_step(self, batch: dict) -> dict:
        """What `predict` does with a batch.

        Args:
            batch: as in `with_masks`.

        Returns:
            The outputs of `call`.
        """
        return self(self.with_masks(batch), training=False)

    def validation_metrics(self, batch: dict, outputs: dict) -> dict[str, tf.Tensor]:
        """Measures results: what a training run logs of its validation pictures. Systems whose stages need others override it.

        Args:
            batch: `{"image", "mask"}` as in `call`.
            outputs: what `call` made of it.

        Returns:
            name -> `[B]` float32, larger is better. The first one decides which weights are the best. Here "psnr" of the composites in
            dB (`metrics.psnr`).
        """
        image, composite = ops.image.to_uint8(batch["image"]), ops.image.to_uint8(outputs["composite"])
        return {"psnr": metrics.psnr(image, composite)}

    def sample_columns(self, batch: dict, outputs: dict) -> list[tf.Tensor]:
        """Chooses what a training run shows of its validation pictures. Systems whose stages show something else override it.

        Args:
            batch: `{"image", "mask"}` as in `call`.
            outputs: what `call` made of it.

        Returns:
            Pictures `[B, H, W, 3]` or `[B, H, W, 1]` in [-1, 1], a column each. Here input, mask, coarse result and edges where the system
            has them, result, truth.
        """
        image, mask = batch["image"], batch["mask"]
        between = [outputs[name] for name in ("coarse", "edge_map") if name in outputs]
        return [ops.image.mask_image(image, mask), ops.image.from_unit(mask), *between, outputs["composite"], image]

    def inpaint(self, image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Repairs pictures of any size.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1]; what it holds inside the hole has no influence.
            mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.

        Returns:
            `[B, H, W, 3]` float32 in [-1, 1]: known pixels bit-identical to `image`, the hole filled.

        Raises:
            PictureError: if `image` holds whole numbers, such as a stored picture's 0 to 255.
        """
        return self.inpaint_outputs(image, mask)["composite"]

    def inpaint_outputs(self, image: tf.Tensor, mask: tf.Tensor) -> dict:
        """Does what `inpaint` does and returns more of it.

        Args:
            image: as for `inpaint`.
            mask: as for `inpaint`.

        Returns:
            "composite", "raw" and, of systems that complete edges, "edge_map" `[B, H, W, 1]`, each as `call` describes it.

        Raises:
            PictureError: as `inpaint`.
        """
        image = tf.convert_to_tensor(image)
        if not image.dtype.is_floating:
            raise PictureError(
                f"`image` must be floating point in [-1, 1]. Received: dtype={image.dtype.name}. Convert stored pictures with "
                "`ops.image.from_uint8`, or let `Inpainter` do it."
            )
        image, mask = tf.cast(image, tf.float32), tf.convert_to_tensor(mask, tf.float32)
        shape = tf.shape(image)
        padded = {
            "image": ops.image.pad_to_multiple(image, self.size_multiple),
            "mask": ops.image.pad_to_multiple(mask, self.size_multiple),
        }
        outputs = self(padded, training=False)
        cropped = {name: outputs[name][:, : shape[1], : shape[2]] for name in ("raw", "edge_map") if name in outputs}
        return {"composite": ops.image.composite(cropped["raw"], image, mask), **cropped}


class _TrainingState:
    """What `compile` makes; see the comment where it is created."""

    def __init__(self):
        self.stage = None
        self.masks = mask_generators.parse("free_form")
        self.optimizers = {}
        self.nonfinite_gradients = {}
        self.average = None
        self.trackers = {}
