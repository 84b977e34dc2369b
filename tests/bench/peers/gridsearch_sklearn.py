"""Peer: the example's grid search by scikit-learn on joblib. Prints the seconds of the search alone.

usage: gridsearch_sklearn.py [N_JOBS]"""
import sys
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC


def main():
    n_jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    images, digits = load_digits(return_X_y=True)
    grid = {"C": 10.0 ** np.arange(-2, 5), "gamma": 10.0 ** np.arange(-4, 2)}
    search = GridSearchCV(SVC(cache_size=100), grid, cv=StratifiedKFold(5), n_jobs=n_jobs, refit=False)
    began = time.perf_counter()
    search.fit(images / 16.0, digits)
    seconds = time.perf_counter() - began
    best = search.best_params_
    print(f"peer=scikit-learn seconds={seconds:.4g} n_jobs={n_jobs} best_C={best['C']:g} best_gamma={best['gamma']:g} best_score={search.best_score_:.5f}")


if __name__ == "__main__":
    main()
