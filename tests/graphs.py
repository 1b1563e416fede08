"""What is inside a traced function."""

import math

from tensorflow.python.framework import function_def_to_graph


def tensor_sizes(graph) -> list[int]:
    """Numbers of elements of all tensors of known shape in a graph and in the functions that it calls, loops included."""
    inner = [function_def_to_graph.function_def_to_graph(function) for function in graph.as_graph_def().library.function]
    outputs = [output for each in (graph, *inner) for operation in each.get_operations() for output in operation.outputs]
    return [math.prod(output.shape.as_list()) for output in outputs if output.shape.is_fully_defined()]
