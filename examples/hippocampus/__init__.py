"""Sections 4.1 and 4.2 of Baručić and Kybic (2022) with chdt: from a few outlined slices and the sizes of all."""
