#include "podium_kernels.h"

#include "../Lanes/live.h"
#include "attention_parts.h"

#define ISA_BODY "../Attention/attention_join_body.h"
#include "../Lanes/each_isa.h"

/* A block is a row, whatever the grid is: no host launches this on a CPU, where nothing is left to join. */
void podium_attention_join(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype, float *out,
                           const float *workspace, float v_scale, const int32_t *positions, const int32_t *live,
                           int32_t max_rows, int32_t heads, int32_t head_dim, int32_t context) {
  int32_t parts = attention_parts(context);
  size_t width = (size_t)head_dim, of_row = (size_t)parts * (size_t)heads;
  const float *statistics = workspace + (size_t)max_rows * of_row * width;
  uint64_t across = grid->blocks[0] > 0 ? grid->blocks[0] : 1;
  for (uint64_t block = first_block; block < last_block; block++) {
    uint64_t row = block / across;
    if (block % across != 0 || row >= (uint64_t)podium_live(live, max_rows)) continue;
    int32_t last = (positions[row] > 0 ? positions[row] : 0) / ATTENTION_PART;
    if (last == 0) continue;
    for (size_t head = 0; head < (size_t)heads; head++) {
      size_t first = row * of_row + head;
      ISA_CALL(join_parts, out + (row * (size_t)heads + head) * width, workspace + first * width, statistics + 2 * first,
               (size_t)last + 1, (size_t)heads, width, kv_dtype == PODIUM_F8E4M3 ? v_scale : 1);
    }
  }
}
