"""EdgeConnect: edges first, then the picture along them. Claim and equation numbers are the patent's and the paper's."""

import keras
import tensorflow as tf

from tf_inpaint import metrics, ops
from tf_inpaint.errors import ConfigError
from tf_inpaint.networks import open_feature_network
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.canny_edges import CannyEdges
from tf_inpaint.systems.edge_connect import networks, objectives, official_names
from tf_inpaint.systems.edge_connect.adversarial import critic_loss
from tf_inpaint.systems.edge_connect.config import COMPLETION_WEIGHTS, EDGE_WEIGHTS, EdgeConnectConfig
from tf_inpaint.systems.edge_connect.verification import EdgeConnectVerification


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EdgeConnect(CannyEdges, InpaintingSystem):
    """Inpainting in two stages: an edge generator and an image completion network, each with its critic.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32, H and W divisible by `size_multiple`.
            Pixels inside the hole have no influence. (`inpaint` takes any size.)
        training: passed to the networks.

    Output: dict of float32 tensors: "raw" `[B, H, W, 3]` in [-1, 1] (the completion network's picture), "composite" (with the known
        pixels pasted back), "edge_map" `[B, H, W, 1]` in [0, 1] (S_comp: predicted edges in the hole, soft; Canny's, 0 or 1, elsewhere),
        "predicted_edges" `[B, H, W, 1]` in (0, 1) (S_pred, everywhere).

    Stages: "edges" trains the edge generator and its critic; "completion_true_edges" the completion network and its critic, with Canny's
    edges of the whole picture; "completion_predicted_edges" the same two with the edge map of the edge generator, which stands still;
    "joint", the one of `compile()`, all four networks: the edge generator gets its own losses and, through the edge map, those of the
    completion network.

    Source: CN 110689495 A; Nazeri et al. 2019, arXiv:1901.00212. README.md in this folder maps both to this code and lists where they are
    silent or disagree and what we chose.
    """

    Config = EdgeConnectConfig
    KEY = "edge_connect"
    STAGES = ("edges", "completion_true_edges", "completion_predicted_edges", "joint")
    DEFAULT_STAGE = "joint"
    PREDECESSORS = {
        "completion_true_edges": "edges",
        "completion_predicted_edges": "completion_true_edges",
        "joint": "completion_predicted_edges",
    }
    STAGE_WEIGHTS = {
        "edges": EDGE_WEIGHTS,
        "completion_true_edges": COMPLETION_WEIGHTS,
        "completion_predicted_edges": COMPLETION_WEIGHTS,
    }
    GENERATORS = ("edge_generator", "completion_generator")
    VERIFIERS = ("edge_critic", "completion_critic")
    LOGS = (
        "loss",
        "edge_adversarial_loss",
        "feature_matching_loss",
        "edge_cross_entropy_loss",
        "edge_critic_loss",
        "l1_loss",
        "adversarial_loss",
        "perceptual_loss",
        "style_loss",
        "total_variation_loss",
        "completion_critic_loss",
        "edge_f1",
        "edge_precision",
        "edge_recall",
        "psnr",
    )
    ABLATIONS = {
        "full": {},
        "patent_objective": {"objective": "patent"},
        "without_style": {"style_weight": 0.0},
        "without_perceptual": {"perceptual_weight": 0.0},
        "without_feature_matching": {"feature_matching_weight": 0.0},
    }
    size_multiple = 4

    def __init__(self, config: EdgeConnectConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        filters = self.config.base_filters
        critic_filters = tuple(width * filters for width in networks.CRITIC_WIDTHS)
        completion_channels = 4 if self.config.d2_edge_condition else 3
        self._set_networks(
            edge_generator=networks.build_edge_generator(base_filters=filters),
            completion_generator=networks.build_completion_generator(base_filters=filters),
            edge_critic=networks.build_patch_critic(channels=2, filters=critic_filters, name="edge_critic"),
            completion_critic=networks.build_patch_critic(channels=completion_channels, filters=critic_filters, name="completion_critic"),
        )
        self._verification = EdgeConnectVerification(self)

    @classmethod
    def tiny(cls, **overrides) -> "EdgeConnect":
        """Builds the system at a sixteenth of the width, for pictures of 32 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            An `EdgeConnect` with all its layers; its feature network is a small one with random weights.
        """
        settings = {"image_size": 32, "width_multiplier": 1 / 16, "feature_network": "random"}
        return cls(EdgeConnectConfig(**{**settings, **overrides}))

    def compile(self, *, stage: str | None = None, feature_network: keras.Model | None = None, **kwargs) -> None:
        """Prepares training, see `InpaintingSystem.compile`.

        Args:
            stage: one of `STAGES`; `None` for "joint".
            feature_network: what the perceptual and style losses take features from: a network as `networks.build_feature_network`
                returns it, with the layers `config.feature_layers`. `None` opens the configured one. Where that cannot be had,
                a warning says so and both losses are left out.
            **kwargs: of `InpaintingSystem.compile`.

        Raises:
            ConfigError: also if all losses of a network that the stage trains have the weight 0, or are left out.
        """
        config, stage = self.config, self.stage_or_default(stage)
        edge_weights = (config.edge_adversarial_weight, config.feature_matching_weight, config.edge_cross_entropy_weight)
        if stage in ("edges", "joint") and not any(edge_weights):
            raise ConfigError(f"The stage {stage!r} trains the edge generator, but all its losses have the weight 0.")
        if stage == "edges":
            feature_network = None
        elif feature_network is None:
            feature_network = open_feature_network(
                config.feature_network,
                config.feature_layers,
                purpose="the perceptual and the style loss of edge_connect",
                normalise=False,  # the released code feeds pictures in [0, 1] as they are
            )
        needs_features = set() if feature_network is not None else {"perceptual", "style"}
        if stage != "edges" and not any(weight for name, weight in config.completion_weights.items() if name not in needs_features):
            raise ConfigError(
                f"The stage {stage!r} trains the completion network, but all its losses have the weight 0 or need a feature network, which "
                "is not there."
            )
        self._training.feature_network = feature_network
        super().compile(stage=stage, **kwargs)

    @property
    def verification(self) -> EdgeConnectVerification:
        """The critics as judges of the results."""
        return self._verification

    def assign_official_weights(self, arrays: dict) -> None:
        """Takes over the published weights of all four networks, see `tf_inpaint.load_official`.

        Args:
            arrays: name -> NumPy array, as `official_weights.read` makes them of the four files EdgeModel_gen.pth, EdgeModel_dis.pth,
                InpaintingModel_gen.pth and InpaintingModel_dis.pth: "EdgeModel_gen/generator/encoder.1.weight_orig" and so on.

        Raises:
            WeightsError: if an array is missing, left over or of another shape; nothing has changed then.
        """
        official_names.assign(self.networks, arrays)

    @property
    def _trains_edges(self):
        return self.stage in ("edges", "joint")

    @property
    def _trains_completion(self):
        return self.stage != "edges"

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        # Edges next to the hole would betray what is in it: Canny sees known pixels only.
        return self.paint(image, mask, self.find_edges(image, usable=1.0 - mask), training=training)

    def paint(self, image: tf.Tensor, mask: tf.Tensor, known_edges: tf.Tensor, *, training: bool = False) -> dict[str, tf.Tensor]:
        """Runs both generators: what `call` does once the known edges are found.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, H, W, 1]` float32, 1 = hole.
            known_edges: `[B, H, W, 1]` in {0, 1}, of which only the known part is used.
            training: passed to the networks.

        Returns:
            As `call`.
        """
        predicted_edges = self.predict_edges(image, mask, known_edges, training=training)
        # The released test code hands over the edge generator's output; patent and paper complete it, as the training code does.
        edge_map = ops.image.composite(predicted_edges, known_edges, mask)
        raw = self.complete(image, mask, edge_map, training=training)
        return {
            "raw": raw,
            "composite": ops.image.composite(raw, image, mask),
            "edge_map": edge_map,
            "predicted_edges": predicted_edges,
        }

    def predict_edges(self, image: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Runs the edge generator: S_pred = G1(I_gray, S, M).

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, H, W, 1]` float32, 1 = hole.
            edges: `[B, H, W, 1]` in {0, 1}, of which only the known part is used.
            training: passed to the network.

        Returns:
            `[B, H, W, 1]` float32 in (0, 1), predicted for the whole picture.
        """
        # White holes, as in the released code.
        gray = tf.where(mask > 0.5, 1.0, ops.image.to_gray(image))
        return self.edge_generator_network(tf.concat([gray, ops.image.mask_image(edges, mask), mask], axis=-1), training=training)

    def complete(self, image: tf.Tensor, mask: tf.Tensor, edge_map: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Runs the image completion network: I_pred = G2(I, S_comp).

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, H, W, 1]` float32, 1 = hole.
            edge_map: S_comp, `[B, H, W, 1]` float32 in [0, 1].
            training: passed to the network.

        Returns:
            `[B, H, W, 3]` float32 in [-1, 1], painted everywhere.
        """
        masked_image = tf.where(mask > 0.5, 1.0, ops.image.to_unit(image))
        return ops.image.from_unit(self.completion_generator_network(tf.concat([masked_image, edge_map], axis=-1), training=training))

    # Properties, not attributes: Keras 2.15 would save a list of variables a second time, as the system's own.
    @property
    def _generator_variables(self):
        trained = {"edge_generator": self._trains_edges, "completion_generator": self._trains_completion}
        return [variable for name in trained if trained[name] for variable in self.networks[name].trainable_variables]

    @property
    def _critic_variables(self):
        trained = {"edge_critic": self._uses_edge_critic, "completion_critic": self._uses_completion_critic}
        return [variable for name in trained if trained[name] for variable in self.networks[name].trainable_variables]

    @property
    def _uses_edge_critic(self):
        return self._trains_edges and bool(self.config.edge_adversarial_weight or self.config.feature_matching_weight)

    @property
    def _uses_completion_critic(self):
        return self._trains_completion and bool(self.config.adversarial_weight)

    def _build_optimizers(self):
        config = self.config
        optimizers = {"generator": self._adam(self._generator_variables, epsilon=config.adam_epsilon)}
        if self._critic_variables:
            optimizers["critic"] = self._adam(
                self._critic_variables,
                learning_rate=config.critic_learning_rate_factor * config.learning_rate,
                epsilon=config.adam_epsilon,
            )
        return optimizers

    # Nothing here branches in Python on a tensor: without AutoGraph's rewriting it is traced in less than half the time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch):
        """One step of the networks of the stage; the same in `fit` and in a bare `tf.function` loop.

        Args:
            batch: `{"image", "mask"}` as in `call`, or "mask_seed" instead of "mask"; "edge_map" `[B, H, W, 1]` in {0, 1} if
                Canny's edges of the whole picture are already there.

        Returns:
            Running means of the loss terms.
        """
        batch = self._with_edges(self.with_masks(batch))
        with tf.GradientTape() as generator_tape:
            outputs = self._run_stage(batch)
        # Each critic is called three times, on the truth, on the fake and on the fake for the generator: its power iteration
        # moves on with each call, as in the released code.
        with tf.GradientTape() as critic_tape:
            critic_terms, real_features = self._critic_losses(batch, outputs)
            critic_total = tf.add_n(list(critic_terms.values())) if critic_terms else None
        with generator_tape:
            terms = self._generator_losses(batch, outputs, real_features, training=True)
            total = tf.add_n(list(terms.values()))
        # Both gradients belong to the weights from before either step.
        if critic_terms:
            self.minimize("critic", critic_tape, critic_total, self._critic_variables)
        self.minimize("generator", generator_tape, total, self._generator_variables)
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=total, **terms, **critic_terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and metrics of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the generators' loss terms, of the composites' PSNR in dB (`metrics.psnr`), and of the precision and
            recall of the predicted edges in the hole (`metrics.edge_scores`). The completion network gets predicted edges in every
            stage, as in use.
        """
        batch = self._with_edges(self.with_masks(batch))
        outputs = self(batch, training=False)
        real_features = None
        if self._uses_edge_critic:
            real_features = self.edge_critic_network(_with_gray(batch["edge_map"], batch["image"]), training=False)
        terms = self._generator_losses(batch, outputs, real_features, training=False)
        measured = {name: tf.reduce_mean(values) for name, values in self.validation_metrics(batch, outputs).items()}
        loss = tf.add_n(list(terms.values()))
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=loss, **terms, **measured)

    def validation_metrics(self, batch, outputs):
        """Measures edges and pictures; while the edges are trained their F1 decides, later the pictures' PSNR.

        Args:
            batch: `{"image", "mask"}` as in `call`, and "edge_map" if Canny's edges of the whole picture are already there.
            outputs: what `call` made of it.

        Returns:
            "edge_f1", "edge_precision" and "edge_recall" in the hole (`metrics.edge_scores`) and "psnr", each `[B]` float32.
        """
        edges = self._with_edges(batch)["edge_map"]
        scores = metrics.edge_scores(edges, outputs["predicted_edges"], batch["mask"])
        edge_metrics = dict(zip(("edge_f1", "edge_precision", "edge_recall"), scores, strict=True))
        picture_metrics = super().validation_metrics(batch, outputs)
        return {**edge_metrics, **picture_metrics} if self.stage == "edges" else {**picture_metrics, **edge_metrics}

    def _run_stage(self, batch):
        """What the stage trains, in training mode: of "predicted_edges", "edge_map" and "raw" those that it needs."""
        image, mask, edges = batch["image"], batch["mask"], batch["edge_map"]
        if self.stage == "completion_true_edges":
            return {"edge_map": edges, "raw": self.complete(image, mask, edges, training=True)}
        predicted_edges = self.predict_edges(image, mask, edges, training=self._trains_edges)
        if self.stage == "edges":
            return {"predicted_edges": predicted_edges}
        if not self._trains_edges:
            predicted_edges = tf.stop_gradient(predicted_edges)
        edge_map = ops.image.composite(predicted_edges, edges, mask)  # S_comp
        raw = self.complete(image, mask, edge_map, training=True)
        return {"predicted_edges": predicted_edges, "edge_map": edge_map, "raw": raw}

    def _critic_losses(self, batch, outputs):
        """The critics' terms, claim 4 and its like, and the edge critic's features of the true edges."""
        kind, image = self.config.adversarial_loss, batch["image"]
        terms, real_features = {}, None
        if self._uses_edge_critic:
            real_features = self.edge_critic_network(_with_gray(batch["edge_map"], image), training=True)
            fake = tf.stop_gradient(outputs["predicted_edges"])
            fake_scores = self.edge_critic_network(_with_gray(fake, image), training=True)[-1]
            terms["edge_critic_loss"] = critic_loss(kind, real_features[-1], fake_scores)
        if self._uses_completion_critic:
            real_scores = self.completion_critic_network(self._completion_critic_input(image, outputs), training=True)[-1]
            fake = self._completion_critic_input(tf.stop_gradient(outputs["raw"]), outputs)
            fake_scores = self.completion_critic_network(fake, training=True)[-1]
            terms["completion_critic_loss"] = critic_loss(kind, real_scores, fake_scores)
        return terms, real_features

    def _generator_losses(self, batch, outputs, real_features, *, training):
        """The weighted terms of the generators that the stage trains."""
        image, terms = batch["image"], {}
        if self._trains_edges:
            features, predicted_edges = None, outputs["predicted_edges"]
            if self._uses_edge_critic:
                features = self.edge_critic_network(_with_gray(predicted_edges, image), training=training)
            edges = batch["edge_map"]
            terms |= objectives.edge_losses(self.config, edges, predicted_edges, real_features=real_features, features=features)
        if self._trains_completion:
            scores, raw, feature_network = None, outputs["raw"], self._training.feature_network
            if self._uses_completion_critic:
                scores = self.completion_critic_network(self._completion_critic_input(raw, outputs), training=training)[-1]
            mask = batch["mask"]
            terms |= objectives.completion_losses(self.config, image, mask, raw, scores=scores, feature_network=feature_network)
        return terms

    def _completion_critic_input(self, image, outputs):
        unit = ops.image.to_unit(image)
        if not self.config.d2_edge_condition:
            return unit
        # A condition, not a picture to judge: the edge generator learns nothing from here.
        return tf.concat([unit, tf.stop_gradient(outputs["edge_map"])], axis=-1)


def _with_gray(edges, image):
    """What the edge critic judges: edges on the whole grey picture."""
    return tf.concat([ops.image.to_gray(image), edges], axis=-1)
