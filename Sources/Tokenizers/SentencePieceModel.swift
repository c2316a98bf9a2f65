/// The content of a sentencepiece `tokenizer.model` file, as far as encoding and decoding need it.
///
/// Field numbers and defaults are those of sentencepiece_model.proto (sentencepiece 0.2).
public struct SentencePieceModel: Sendable {
    /// What a piece is for (`ModelProto.SentencePiece.Type`).
    public enum PieceType: Int, Sendable {
        /// Ordinary text.
        case normal = 1
        /// Stands for text the vocabulary cannot spell.
        case unknown = 2
        /// Never appears in text: BOS, EOS, padding.
        case control = 3
        /// Always one token, whatever the merges say.
        case userDefined = 4
        /// In the file but not to be produced.
        case unused = 5
        /// One byte of text that has no piece of its own.
        case byte = 6
    }

    /// One entry of the vocabulary; its id is its position.
    public struct Piece: Sendable {
        /// The text as UTF-8, with U+2581 for a space.
        public var text: [UInt8] = []
        /// Merge priority: higher merges first.
        public var score: Float = 0
        /// What it is for.
        public var type = PieceType.normal
    }

    /// The training algorithm (`TrainerSpec.ModelType`).
    public enum ModelType: Int, Sendable {
        /// Viterbi over a unigram language model.
        case unigram = 1
        /// Byte-pair merges.
        case bpe = 2
        /// Whole words.
        case word = 3
        /// Single characters.
        case char = 4
    }

    /// The vocabulary in id order.
    public private(set) var pieces: [Piece] = []
    /// `trainer_spec.model_type`.
    public private(set) var modelType = ModelType.unigram
    /// `trainer_spec.byte_fallback`.
    public private(set) var byteFallback = false
    /// `trainer_spec.treat_whitespace_as_suffix`.
    public private(set) var treatWhitespaceAsSuffix = false
    /// `trainer_spec.unk_surface`: what the unknown token decodes to.
    public private(set) var unknownSurface = Array(" \u{2047} ".utf8)
    /// `trainer_spec.bos_piece`.
    public private(set) var bosPiece = Array("<s>".utf8)
    /// `trainer_spec.eos_piece`.
    public private(set) var eosPiece = Array("</s>".utf8)
    /// `normalizer_spec.name`.
    public private(set) var normalizerName = ""
    /// Size of `normalizer_spec.precompiled_charsmap`; zero means the identity.
    public private(set) var normalizerCharsmapBytes = 0
    /// `normalizer_spec.add_dummy_prefix`.
    public private(set) var addDummyPrefix = true
    /// `normalizer_spec.remove_extra_whitespaces`.
    public private(set) var removeExtraWhitespaces = true
    /// `normalizer_spec.escape_whitespaces`.
    public private(set) var escapeWhitespaces = true
    /// Size of `denormalizer_spec.precompiled_charsmap`; zero means the identity.
    public private(set) var denormalizerCharsmapBytes = 0

    /// Parses the bytes of a model file.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - source: The file's name, for errors.
    /// - Throws: ``TokenizerError`` naming the field for anything malformed.
    public init(parsing bytes: [UInt8], source: String) throws {
        try bytes.withUnsafeBufferPointer { try parse($0, source: source) }
        guard !pieces.isEmpty else {
            throw TokenizerError(
                source: source,
                field: "pieces",
                problem: "the file holds no pieces",
                advice: "it is empty or no sentencepiece model, fetch it again"
            )
        }
    }

    private mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>, source: String) throws {
        var reader = ProtobufReader(bytes, range: 0..<bytes.count, message: "ModelProto", source: source)
        while let (field, value) = try reader.next() {
            guard case .bytes(let range) = value else { continue }
            switch field {
            case 1:
                guard pieces.count < TokenizerLimits.vocabulary else {
                    throw TokenizerError(
                        source: source,
                        field: "pieces",
                        problem: "more than \(TokenizerLimits.vocabulary) pieces",
                        advice: "no published vocabulary is that large, check the file"
                    )
                }
                pieces.append(try piece(bytes, range, index: pieces.count, source: source))
            case 2:
                try parseTrainerSpec(bytes, range, source: source)
            case 3:
                try parseNormalizerSpec(bytes, range, source: source)
            case 5:
                var inner = ProtobufReader(bytes, range: range, message: "denormalizer_spec", source: source)
                while let (field, value) = try inner.next() {
                    if field == 2, case .bytes(let map) = value { denormalizerCharsmapBytes = map.count }
                }
            default:
                break
            }
        }
    }

    private func piece(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        index: Int,
        source: String
    ) throws -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(bytes, range: range, message: "pieces[\(index)]", source: source)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)):
                guard text.count <= TokenizerLimits.pieceBytes else {
                    throw reader.failure("the piece has \(text.count) bytes, more than \(TokenizerLimits.pieceBytes)")
                }
                let content = UnsafeBufferPointer(rebasing: bytes[text])
                guard UTF8Sequence.isValid(content) else { throw reader.failure("the piece is not valid UTF-8") }
                piece.text = Array(content)
            case (2, .fixed32(let bits)):
                piece.score = Float(bitPattern: bits)
                guard piece.score.isFinite else { throw reader.failure("the score is \(piece.score)") }
            case (3, .varint(let raw)):
                guard let type = PieceType(rawValue: Int(truncatingIfNeeded: raw)) else {
                    throw reader.failure("type is \(raw), known are 1...6")
                }
                piece.type = type
            default:
                break
            }
        }
        guard !piece.text.isEmpty else { throw reader.failure("the piece is empty") }
        return piece
    }

    private mutating func parseTrainerSpec(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        source: String
    ) throws {
        var reader = ProtobufReader(bytes, range: range, message: "trainer_spec", source: source)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (3, .varint(let raw)):
                guard let type = ModelType(rawValue: Int(truncatingIfNeeded: raw)) else {
                    throw reader.failure("model_type is \(raw), known are 1...4")
                }
                modelType = type
            case (24, .varint(let raw)):
                treatWhitespaceAsSuffix = raw != 0
            case (35, .varint(let raw)):
                byteFallback = raw != 0
            case (44, .bytes(let text)):
                unknownSurface = try shortText(bytes, text, "unk_surface", reader)
            case (46, .bytes(let text)):
                bosPiece = try shortText(bytes, text, "bos_piece", reader)
            case (47, .bytes(let text)):
                eosPiece = try shortText(bytes, text, "eos_piece", reader)
            default:
                break
            }
        }
    }

    private mutating func parseNormalizerSpec(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        source: String
    ) throws {
        var reader = ProtobufReader(bytes, range: range, message: "normalizer_spec", source: source)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)):
                normalizerName = String(decoding: try shortText(bytes, text, "name", reader), as: UTF8.self)
            case (2, .bytes(let map)):
                normalizerCharsmapBytes = map.count
            case (3, .varint(let raw)):
                addDummyPrefix = raw != 0
            case (4, .varint(let raw)):
                removeExtraWhitespaces = raw != 0
            case (5, .varint(let raw)):
                escapeWhitespaces = raw != 0
            default:
                break
            }
        }
    }

    private func shortText(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        _ name: String,
        _ reader: ProtobufReader
    ) throws -> [UInt8] {
        let content = UnsafeBufferPointer(rebasing: bytes[range])
        guard content.count <= TokenizerLimits.pieceBytes, UTF8Sequence.isValid(content) else {
            throw reader.failure("\(name) is not valid UTF-8 of at most \(TokenizerLimits.pieceBytes) bytes")
        }
        return Array(content)
    }
}
