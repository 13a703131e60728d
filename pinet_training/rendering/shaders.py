"""The renderer's GLSL shaders, which run on the GPU, or on the CPU with Mesa.

Lighting is computed per vertex, as meshes of people are dense and lights are far away. Only
shadows and patterns are computed per pixel. This makes Mesa fast enough.
"""

from __future__ import annotations

from pinet_training.rendering import mesh

BRIGHTEST = 4.0  # the light that is stored as 1.0; white paper in the sun is about 2

_PATTERNS = {name: number for name, number in vars(mesh).items() if name.startswith("PATTERN_")}


def _shader(source: str) -> str:
    """Complete a shader's source, in which the PATTERN constants and BRIGHTEST can be used."""
    numbers = {"BRIGHTEST": BRIGHTEST, **_PATTERNS}
    defined = (f"#define {name} {number}" for name, number in numbers.items())
    return "\n".join(["#version 330", *defined, source])


SHADOW_VERTEX = _shader("""
in vec3 position;
uniform mat4 sun_projection;
void main() { gl_Position = sun_projection * vec4(position, 1.0); }
""")

SHADOW_FRAGMENT = _shader("""
void main() {}
""")

VERTEX = _shader("""
in vec3 position;
in vec3 normal;
in vec3 color;
in vec3 surface;
in vec2 pattern;
uniform mat4 projection;
uniform mat4 sun_projection;
uniform float shadow_margin;  // metres from the surface to where its shadow is looked up
uniform vec3 sun;
uniform vec3 sun_color;
uniform vec3 fill;
uniform vec3 fill_color;
uniform vec3 sky;
uniform vec3 ground;
uniform vec3 up;
uniform float instance;  // (index of the mesh + 1) / 65535
out vec3 constant;  // light that shadows do not affect
out vec3 sunny;  // sunlight, which shadows remove
out vec3 shadow_place;
out vec3 place;
flat out vec2 kind_and_cycles;

vec3 with_folds(vec3 n) {
    vec3 q = surface * 31.0 + instance * 3e5;
    vec3 folds = sin(q.zxy + 2.0 * sin(q.yzx * 0.41)) + 0.6 * sin(2.3 * q.yzx + 1.7 * q.zxy);
    return normalize(n + 0.17 * folds);
}

void main() {
    gl_Position = projection * vec4(position, 1.0);
    bool cloth = pattern.y > 0.0 && pattern.x < PATTERN_NOISE + 0.5;
    vec3 n = cloth ? with_folds(normal) : normal;
    vec3 ambient = mix(ground, sky, 0.5 + 0.5 * dot(n, up));
    constant = color * (ambient + fill_color * max(dot(n, fill), 0.0));
    vec3 between = normalize(sun - normalize(position));
    float gloss = 0.09 * pow(max(dot(n, between), 0.0), 20.0);
    float facing = dot(normal, sun) > 0.0 ? max(dot(n, sun), 0.0) : 0.0;
    sunny = sun_color * (color + gloss) * facing;
    vec4 seen = sun_projection * vec4(position + normal * shadow_margin, 1.0);
    shadow_place = 0.5 + 0.5 * seen.xyz;
    place = surface;
    kind_and_cycles = pattern;
}
""")

FRAGMENT = _shader("""
in vec3 constant;
in vec3 sunny;
in vec3 shadow_place;
in vec3 place;
flat in vec2 kind_and_cycles;
uniform sampler2DShadow shadows;
uniform sampler2D noise;
uniform float instance;
out vec4 pixel;

// A square wave between 0 and 1 that fades to its mean where pixels are too coarse for it.
float wave(float cycles, float per_pixel) {
    return clamp(0.5 + 0.5 * sin(6.2832 * cycles) / max(6.0 * per_pixel, 0.08), 0.0, 1.0);
}

float bricks(vec2 q, vec2 per_pixel) {
    float row = floor(q.y);
    vec2 within = fract(vec2(0.5 * q.x + 0.5 * row, q.y));
    vec2 edge = min(within, 1.0 - within) * vec2(2.0, 1.0);
    vec2 joint = clamp((edge - 0.04) / max(per_pixel, 0.03) + 0.5, 0.0, 1.0);
    float coarse = clamp(2.0 * max(per_pixel.x, per_pixel.y), 0.0, 1.0);
    float each = texture(noise, vec2(floor(0.5 * q.x + 0.5 * row), row) * 0.377).r;
    return mix((0.72 + 0.38 * each) * mix(0.6, 1.0, joint.x * joint.y), 0.85, coarse);
}

float tone() {
    int kind = int(kind_and_cycles.x + 0.5);
    float cycles = kind_and_cycles.y;
    vec2 q = place.xz * cycles;
    vec2 per_pixel = fwidth(q);
    if (kind == PATTERN_BRICKS) return bricks(q, per_pixel);
    vec2 stretch = kind == PATTERN_WOOD ? vec2(1.0, 0.08) : vec2(1.0);
    float grain = texture(noise, (q + place.y * cycles * vec2(0.61, 0.37)) * stretch * 0.125).r;
    float across = wave(q.y, per_pixel.y);
    float along = wave(kind == PATTERN_WOOD ? 3.0 * (q.x + grain) : q.x, per_pixel.x * 3.0);
    if (kind == PATTERN_STRIPES_ACROSS) return 0.5 + 0.5 * across;
    if (kind == PATTERN_STRIPES_ALONG) return 0.55 + 0.45 * along;
    if (kind == PATTERN_CHECKS) return 0.5 + 0.25 * (across + along);
    if (kind == PATTERN_NOISE) return 0.5 + grain;
    return 0.7 + 0.15 * along + 0.3 * grain;
}

void main() {
    bool covered = all(lessThan(abs(shadow_place.xy - 0.5), vec2(0.499)));
    vec3 at = min(shadow_place, 1.0);
    vec3 aside = vec3(0.0011, 0.0004, 0.0);  // two samples soften the edges of shadows
    float both = texture(shadows, at - aside) + texture(shadows, at + aside);
    float lit = covered ? 0.5 * both : 1.0;
    vec3 light = constant + sunny * lit;
    if (int(kind_and_cycles.x + 0.5) != PATTERN_PLAIN) light *= tone();
    pixel = vec4(light / BRIGHTEST, instance);
}
""")
