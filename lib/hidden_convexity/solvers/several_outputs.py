"""Networks with several outputs of which each neuron feeds one.

A neuron w that feeds all c outputs costs ||w|| ||a|| with a vector a. Over a chamber such neurons
make up a matrix (d, c) at the price of a nuclear norm whose left factors stay in the chamber's
cone: a copositive program (Sahiner et al. 2021, arXiv:2012.13329), which
`equivalences.relu_vector` solves for two inputs. Neurons of one output each cost
||w|| |a_1| + ... + ||w|| |a_c|, never less, and what they make up is a group Lasso,

    min   F(f_1, ..., f_c) + beta sum_k sum_g (||u_gk|| + ||v_gk||),    u_gk, v_gk in K_g,
    f_k = sum_g D_g X (u_gk - v_gk).

Its optimum, and a bound on it, are those of this restriction: not of all networks, even where the
chambers are all there are. Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331, train it in their
software.
"""

from dataclasses import replace
from time import perf_counter

import numpy as np

from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.solution import Solution, Step


def side_by_side(networks):
    """One network whose outputs (n, c) are those of c networks, each with one output."""
    hidden = np.concatenate([network.hidden_weights for network in networks])
    feeds = np.repeat(np.arange(len(networks)), [len(network) for network in networks])
    output = np.zeros((len(hidden), len(networks)))
    output[np.arange(len(hidden)), feeds] = np.concatenate(
        [network.output_weights for network in networks]
    )
    return ReLUNetwork(hidden, output)


def solve_each(problem, solve, budget):
    """The squared loss is a sum over outputs: so is the program, and its bound.

    Parameters
    ----------
    problem : TrainingProblem
        With y of shape (n, c).
    solve : callable
        From the problem of one output and its share of the budget to its `Solution`. The outputs
        after one that was interrupted stay zero, with the bound 0.
    budget : Budget

    Returns
    -------
    Solution
    """
    began, history = perf_counter(), []
    networks = [ReLUNetwork(problem.X[:0], np.zeros(0))] * problem.y.shape[1]
    # Objective, lower bound and number of neurons of each output.
    parts = [replace(problem, y=y) for y in problem.y.T]
    known = np.array([(part.loss_value(0.0 * part.y), 0.0, 0.0) for part in parts])
    out_of_time = False
    for k, single in enumerate(parts):
        before = perf_counter() - began
        part = solve(single, budget.part(1 / (len(networks) - k)))
        for step in part.history:
            known[k] = step[1:]
            objective, bound, count = known.sum(axis=0).tolist()
            history.append(Step(before + step.seconds, objective, bound, int(count)))
        networks[k] = part.network
        out_of_time |= part.out_of_time
        if part.interrupted:
            break
    network, bound = side_by_side(networks), float(known[:, 1].sum())
    objective = problem.objective(network)
    ended = part.interrupted, out_of_time
    return Solution(network, objective, bound, part.scope, history, part.solver, *ended)
