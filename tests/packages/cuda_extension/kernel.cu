#include "kernel.h"

__global__ void twice_kernel(int* numbers, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) numbers[i] *= 2;
}

int twice(int* numbers, int count) {
    int* device = nullptr;
    const auto size = count * sizeof(int);
    cudaError_t status = cudaMalloc(&device, size);
    if (status != cudaSuccess) return status;
    status = cudaMemcpy(device, numbers, size, cudaMemcpyHostToDevice);
    if (status == cudaSuccess) {
        twice_kernel<<<(count + 127) / 128, 128>>>(device, count);
        status = cudaGetLastError();
    }
    if (status == cudaSuccess)
        status = cudaMemcpy(numbers, device, size, cudaMemcpyDeviceToHost);
    cudaFree(device);
    return status;
}
