"""Which operations a traced function runs, and which of them have no GPU kernel registered.

TensorFlow's wheels for Linux register their GPU kernels on machines without a GPU too, so this needs none.
"""

import tensorflow as tf
from tensorflow.python.framework import kernels

# "DEFAULT" kernels serve every device: control flow, shapes, calls of functions.
KERNEL_DEVICES = ("GPU", "DEFAULT")
HOST_ONLY_TYPES = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction")


def operations(concrete_function: tf.types.experimental.ConcreteFunction) -> list[tf.compat.v1.NodeDef]:
    """Nodes of the function's graph and of every function it calls (loop bodies and conditions, branches, maps)."""
    graph = concrete_function.graph.as_graph_def()
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def without_gpu_kernel(concrete_function: tf.types.experimental.ConcreteFunction) -> list[str]:
    """Sorted `type(T=dtype)` of the operations that no registered GPU kernel takes.

    A kernel takes a node if each of its type constraints allows the node's dtype.
    """
    return sorted({_describe(node) for node in operations(concrete_function) if not _has_gpu_kernel(node)})


def gpu_kernels_are_registered() -> bool:
    """Whether this build of TensorFlow registers GPU kernels at all, seen by those of `MatMul`."""
    return any(kernel.device_type == "GPU" for kernel in kernels.get_registered_kernels_for_op("MatMul").kernel)


def _has_gpu_kernel(node: tf.compat.v1.NodeDef) -> bool:
    return any(
        kernel.device_type in KERNEL_DEVICES
        and all(node.attr[constraint.name].type in constraint.allowed_values.list.type for constraint in kernel.constraint)
        for kernel in kernels.get_registered_kernels_for_op(node.op).kernel
    )


def _describe(node: tf.compat.v1.NodeDef) -> str:
    types = ", ".join(f"{name}={tf.dtypes.as_dtype(value.type).name}" for name, value in sorted(node.attr.items()) if value.type)
    return f"{node.op}({types})"
