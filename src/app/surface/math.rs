//! Vectors of three numbers and the matrix that a shader takes.

use std::ops::{Add, Mul, Neg, Sub};

/// A point or a direction: x to the right along α, y up along the loss, z
/// towards the viewer, against β.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vec3 {
    /// Along α.
    pub x: f32,
    /// Up.
    pub y: f32,
    /// Against β.
    pub z: f32,
}

/// A vector of these components.
pub const fn vec3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3 { x, y, z }
}

impl Vec3 {
    /// The scalar product.
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    /// The vector product.
    #[cfg(test)]
    pub fn cross(self, other: Self) -> Self {
        vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    /// The length.
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The vector of length 1 in the same direction; zero stays zero.
    pub fn normalized(self) -> Self {
        let length = self.length();
        if length > 0.0 {
            self * (1.0 / length)
        } else {
            self
        }
    }

    /// The components.
    pub fn to_array(self) -> [f32; 3] {
        [self.x, self.y, self.z]
    }
}

impl Add for Vec3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        vec3(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for Vec3 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Vec3 {
    type Output = Self;
    fn neg(self) -> Self {
        vec3(-self.x, -self.y, -self.z)
    }
}

impl Mul<f32> for Vec3 {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        vec3(self.x * factor, self.y * factor, self.z * factor)
    }
}

/// Four rows; a point is a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mat4(pub [[f32; 4]; 4]);

impl Mat4 {
    /// The homogeneous image of a point.
    pub fn transform(&self, p: Vec3) -> [f32; 4] {
        self.0.map(|[a, b, c, d]| a * p.x + b * p.y + c * p.z + d)
    }

    /// The columns, one after the other, as WGSL keeps a matrix.
    pub fn columns(&self) -> [f32; 16] {
        std::array::from_fn(|k| self.0[k % 4][k / 4])
    }
}
