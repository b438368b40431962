#include "kernel.h"

__global__ void twice_kernel(int* numbers, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) numbers[i] *= 2;
}

int twice_there(int* numbers, int count, void* stream) {
    const auto queue = static_cast<cudaStream_t>(stream);
    twice_kernel<<<(count + 127) / 128, 128, 0, queue>>>(numbers, count);
    return cudaGetLastError();
}

int twice(int* numbers, int count) {
    int* device = nullptr;
    const auto size = count * sizeof(int);
    cudaError_t status = cudaMalloc(&device, size);
    if (status != cudaSuccess) return status;
    status = cudaMemcpy(device, numbers, size, cudaMemcpyHostToDevice);
    if (status == cudaSuccess)
        status = static_cast<cudaError_t>(twice_there(device, count, nullptr));
    if (status == cudaSuccess)
        status = cudaMemcpy(numbers, device, size, cudaMemcpyDeviceToHost);
    cudaFree(device);
    return status;
}
