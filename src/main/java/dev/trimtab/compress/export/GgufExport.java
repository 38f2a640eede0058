package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.adapter.HeadRows;
import dev.trimtab.compress.cache.CachedForms;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes what a recipe made as a GGUF file that llama.cpp loads, and that gives the same variant here:
///
/// 1. Metadata as the model's sizes have become ([LlamaCppMetadata]).
/// 2. Each weight in the encoding it is made in, or the nearest that GGUF has ([FileEncoding]).
/// 3. Corrections as a LoRA adapter in a file of its own, with a scale of 1: its right factors are `lora_a`, its left
///    ones `lora_b`.
///
/// It holds one weight at a time, and needs room for a second copy of the file while it works.
public final class GgufExport {
    private static final String EMBEDDING = "token_embd.weight";
    private static final String TOKENS = "tokenizer.ggml.tokens";

    private final CachedForms model;
    private final Metadata metadata;
    private final HeadOrder order;
    private final ComputePool pool;
    private final ExportReport.Draft draft = new ExportReport.Draft();

    private GgufExport(CachedForms model, ComputePool pool) {
        this.model = model;
        this.pool = pool;
        this.metadata = LlamaCppMetadata.of(model.metadata(), model.shapes());
        HeadRows written = HeadRows.ofGguf(metadata.string("general.architecture"));
        this.order = HeadOrder.to(written, model.metadata());
    }

    /// Writes `file`, and beside it `NAME.lora.gguf` where there are corrections; each whole or not at all.
    ///
    /// @throws Unsupported for what llama.cpp has no family for
    /// @throws java.io.UncheckedIOException when the disk refuses, with the path
    public static ExportReport write(CachedForms model, ComputePool pool, Path file, ExportProgress progress) {
        return new GgufExport(model, pool).write(file.toAbsolutePath(), progress);
    }

    private ExportReport write(Path file, ExportProgress progress) {
        try (Spool weights = new Spool(file);
                Spool corrections = new Spool(file)) {
            int rank = spool(weights, corrections, progress);
            if (!corrections.isEmpty()) {
                Path adapter = file.resolveSibling(stem(file) + ".lora.gguf");
                adapter(corrections.tensors(), rank).write(adapter);
                draft.file(adapter);
                draft.remark("corrections are the adapter " + adapter.getFileName()
                        + ": the model alone is without them (llama-cli --lora)");
            }
            GgufWriter writer = new GgufWriter();
            metadata.values().forEach(writer::put);
            weights.tensors().forEach(writer::tensor);
            writer.fileType().write(file);
            draft.file(file);
        }
        if (model.compression().plan().recipe().kv().isPresent()) {
            draft.remark("the type of the KV cache is no part of the file: name it where the file is served");
        }
        if (!metadata.contains(TOKENS)) {
            draft.remark("the tokenizer is Hugging Face's, as one pair of the file: trimtab reads it, llama.cpp does"
                    + " not");
        }
        return draft.report();
    }

    private static String stem(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
    }

    /// The rank of all corrections, or 0 where they differ, which readers take for a scale of 1 too.
    private int spool(Spool weights, Spool corrections, ExportProgress progress) {
        long total = model.shapes().values().stream().mapToLong(Shape::elements).sum();
        long done = 0;
        int rank = -1;
        for (String name : inOrder(model)) {
            TensorForm form = model.form(name);
            Optional<PackedFormat> packed =
                    model.compression().plan().format(model.compression().sourceName(name));
            if (form instanceof TensorForm.Sum(TensorForm base, TensorForm.LowRank correction) && canAdapt(name)) {
                correction(name, correction, corrections);
                rank = rank < 0 || rank == correction.rank() ? correction.rank() : 0;
                form = base;
            }
            weight(name, form, packed, weights);
            done += form.shape().elements();
            progress.at(done, total);
        }
        return rank;
    }

    /// In the checkpoint's order, but a bias that compensation adds right after its matrix: they are made together.
    static List<String> inOrder(WeightSource model) {
        List<String> names = new ArrayList<>();
        for (String name : model.shapes().keySet()) {
            if (isBiasOfAMatrix(model, name)) {
                continue;
            }
            names.add(name);
            String bias = name.replaceFirst("\\.weight$", ".bias");
            if (!bias.equals(name) && model.shapes().containsKey(bias)) {
                names.add(bias);
            }
        }
        return names;
    }

    private static boolean isBiasOfAMatrix(WeightSource model, String name) {
        return name.endsWith(".bias") && model.shapes().containsKey(name.replaceFirst("\\.bias$", ".weight"));
    }

    /// The embedding's adapter is one of looked-up rows, also where the embedding is the head.
    private static boolean canAdapt(String name) {
        return !name.equals(EMBEDDING);
    }

    private void weight(String name, TensorForm form, Optional<PackedFormat> packed, Spool spool) {
        FileEncoding how = FileEncoding.of(form, packed);
        try (Arena arena = Arena.ofShared()) {
            Tensor encoded = new TensorEncoder(pool, arena).encode(name, form, how);
            spool.add(order.reordered(name, encoded));
        }
        draft.tensor(how.note());
        release(form);
    }

    private void correction(String name, TensorForm.LowRank correction, Spool spool) {
        try (Arena arena = Arena.ofShared()) {
            TensorEncoder encoder = new TensorEncoder(pool, arena);
            Tensor right = factor(encoder, name + ".lora_a", correction.right());
            Tensor left = factor(encoder, name + ".lora_b", correction.left());
            spool.add(right);
            spool.add(TensorEncoder.renamed(left.name(), order.reordered(name, left)));
        }
    }

    private static Tensor factor(TensorEncoder encoder, String name, TensorForm factor) {
        return encoder.encode(name, factor, FileEncoding.of(factor, Optional.empty()));
    }

    private GgufWriter adapter(List<Tensor> factors, int rank) {
        GgufWriter writer = new GgufWriter()
                .text("general.type", "adapter")
                .text("general.architecture", metadata.string("general.architecture"))
                .text("adapter.type", "lora")
                .float32("adapter.lora.alpha", rank);
        for (Map.Entry<String, MetadataValue> pair : metadata.values().entrySet()) {
            if (pair.getKey().equals("general.name")) {
                writer.put(pair.getKey(), pair.getValue());
            }
        }
        factors.forEach(writer::tensor);
        return writer.fileType();
    }

    private static void release(TensorForm form) {
        if (form instanceof TensorForm.Dense(Tensor tensor)) {
            MappedPages.release(tensor.data());
        }
    }
}
