/// The largest relative error of a number that was rounded to float32 `count` times: n u / (1 - n u), u = 2^-24.
///
/// It also bounds the error of a sum of `count` products in any order, fused or not, relative to the sum of their
/// absolute values (N. J. Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1).
func roundingBound(_ count: Int) -> Double {
    let error = Double(count) * 0x1p-24
    return error / (1 - error)
}
